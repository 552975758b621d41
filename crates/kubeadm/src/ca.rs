//! The hash that pins a cluster's CA: SHA-256 over the certificate's SubjectPublicKeyInfo, as kubeadm computes it
//! (`cmd/kubeadm/app/util/pubkeypin`).
//!
//! Reads just enough DER to find that field (RFC 5280, section 4.1). It verifies no signature and trusts nothing.

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use sha2::{Digest, Sha256};

const SEQUENCE: u8 = 0x30;
const EXPLICIT_0: u8 = 0xa0;

/// `sha256:<hex>` of the first certificate in a PEM file.
pub fn hash_of_pem(pem: &[u8]) -> anyhow::Result<String> {
    let der = der_of_pem(pem)?;
    let digest = Sha256::digest(public_key_info(&der)?);
    Ok(digest.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}")))
}

/// The DER of the first certificate in a PEM file.
pub fn der_of_pem(pem: &[u8]) -> anyhow::Result<Vec<u8>> {
    let text = String::from_utf8_lossy(pem);
    let body = text.split_once("-----BEGIN CERTIFICATE-----").map(|(_, rest)| rest);
    let body = body.and_then(|rest| rest.split_once("-----END CERTIFICATE-----")).map(|(body, _)| body);
    base64_decode(body.context("there is no certificate in it")?).context("the certificate is not valid base64")
}

/// The SubjectPublicKeyInfo of a certificate, with its own tag and length.
fn public_key_info(der: &[u8]) -> anyhow::Result<&[u8]> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut rest, _) = element(certificate, SEQUENCE)?;
    // version [0] is left out in a v1 certificate.
    if rest.first() == Some(&EXPLICIT_0) {
        rest = element(rest, EXPLICIT_0)?.1;
    }
    // serialNumber, signature, issuer, validity, subject
    for tag in [0x02, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        rest = element(rest, tag)?.1;
    }
    let after = element(rest, SEQUENCE)?.1;
    Ok(&rest[..rest.len() - after.len()])
}

/// The content of the element at the start of `der`, and what follows it.
pub(crate) fn element(der: &[u8], tag: u8) -> anyhow::Result<(&[u8], &[u8])> {
    let [found, length, rest @ ..] = der else { bail!("the certificate ends too early") };
    ensure!(*found == tag, "the certificate has a field of type {found:#04x} where {tag:#04x} belongs");
    let (length, rest) = match *length {
        short @ 0..=0x7f => (usize::from(short), rest),
        long => {
            let count = usize::from(long & 0x7f);
            ensure!((1..=4).contains(&count) && rest.len() >= count, "the certificate has a malformed length");
            let (bytes, rest) = rest.split_at(count);
            (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
    };
    ensure!(rest.len() >= length, "the certificate ends too early");
    Ok(rest.split_at(length))
}

/// Standard base64; white space is skipped. `None` when it is none.
pub fn base64_decode(text: &str) -> Option<Vec<u8>> {
    let compact: Vec<u8> = text.bytes().filter(|c| !c.is_ascii_whitespace()).collect();
    base64::engine::general_purpose::STANDARD.decode(compact).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_hash_is_the_one_openssl_computes() {
        // tests/data/ca.crt was made with `openssl req -x509 -newkey rsa:2048`, and the hash beside it with
        // `openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | sha256sum`, which kubeadm's manual gives.
        let expected = include_str!("../tests/data/ca.sha256").trim();
        assert_eq!(hash_of_pem(include_bytes!("../tests/data/ca.crt")).unwrap(), format!("sha256:{expected}"));
        let expected = include_str!("../tests/data/ca-ec.sha256").trim();
        assert_eq!(hash_of_pem(include_bytes!("../tests/data/ca-ec.crt")).unwrap(), format!("sha256:{expected}"));
    }

    #[test]
    fn base64_of_every_length() {
        for (text, plain) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmE=", "fooba")] {
            assert_eq!(base64_decode(text).unwrap(), plain.as_bytes(), "{text}");
        }
        assert!(base64_decode("Z").is_none() && base64_decode("Zg=a").is_none() && base64_decode("Z*==").is_none());
    }

    proptest! {
        #[test]
        fn rubbish_is_an_error_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = public_key_info(&bytes);
            let _ = hash_of_pem(&bytes);
        }

        #[test]
        fn a_cut_certificate_is_an_error(cut in 1usize..400) {
            let der = der_of_pem(include_bytes!("../tests/data/ca-ec.crt")).unwrap();
            let keep = der.len().saturating_sub(cut);
            prop_assert!(public_key_info(&der[..keep]).is_err());
        }
    }
}
