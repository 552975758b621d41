//! Keys, certificates and requests, as `kubeadm init` and the certificate controller make them (ECDSA, not RSA: ring makes no RSA keys).

use anyhow::{Context, Result, anyhow};
use base64::Engine;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use std::net::IpAddr;
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer, X509Certificate};

/// A certificate and its key, both PEM.
#[derive(Clone, Debug)]
pub struct Pair {
    /// PEM certificate
    pub cert: String,
    /// PEM key (PKCS#8)
    pub key: String,
}

/// Whom a certificate is for.
#[derive(Default)]
pub struct Subject<'a> {
    /// common name
    pub name: &'a str,
    /// organization, a Kubernetes group
    pub group: Option<&'a str>,
    /// DNS names and addresses; a server certificate when there are any
    pub names: &'a [String],
}

fn distinguished(subject: &Subject<'_>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if let Some(group) = subject.group {
        name.push(DnType::OrganizationName, group);
    }
    name.push(DnType::CommonName, subject.name);
    name
}

fn valid(params: &mut CertificateParams, days: i64) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::minutes(5);
    params.not_after = now + Duration::days(days);
}

/// A self-signed CA, valid ten years.
pub fn authority(name: &str) -> Result<Pair> {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished(&Subject { name, ..Subject::default() });
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    valid(&mut params, 3650);
    let key = KeyPair::generate()?;
    Ok(Pair { cert: params.self_signed(&key)?.pem(), key: key.serialize_pem() })
}

/// A certificate signed by `ca`, valid one year.
pub fn issue(ca: &Pair, subject: &Subject<'_>) -> Result<Pair> {
    let issuer = Issuer::from_ca_cert_pem(&ca.cert, KeyPair::from_pem(&ca.key)?)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished(subject);
    for name in subject.names {
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(ip) => SanType::IpAddress(ip),
            Err(_) => SanType::DnsName(name.as_str().try_into()?),
        });
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = if subject.names.is_empty() {
        vec![ExtendedKeyUsagePurpose::ClientAuth]
    } else {
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]
    };
    valid(&mut params, 365);
    let key = KeyPair::generate()?;
    Ok(Pair { cert: params.signed_by(&key, &issuer)?.pem(), key: key.serialize_pem() })
}

/// A fresh key and a signing request for it, both PEM.
pub fn request(subject: &Subject<'_>) -> Result<(String, String)> {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished(subject);
    let key = KeyPair::generate()?;
    Ok((key.serialize_pem(), params.serialize_request(&key)?.pem()?))
}

/// Signs a PEM request as a client certificate, valid one year.
pub fn sign(ca: &Pair, request: &str) -> Result<String> {
    let issuer = Issuer::from_ca_cert_pem(&ca.cert, KeyPair::from_pem(&ca.key)?)?;
    let mut request = CertificateSigningRequestParams::from_pem(request)?;
    request.params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    request.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    valid(&mut request.params, 365);
    Ok(request.signed_by(&issuer)?.pem())
}

/// `sha256:<hex>` of the public key (SPKI) of each certificate in a PEM text: what `--discovery-token-ca-cert-hash` pins.
pub fn pins(ca_pem: &str) -> Result<Vec<String>> {
    let mut pins = Vec::new();
    for der in crate::net::trust::certificates(ca_pem.as_bytes())? {
        let (_, cert) = X509Certificate::from_der(&der).map_err(|error| anyhow!("parsing a certificate: {error}"))?;
        pins.push(format!(
            "sha256:{}",
            hex(ring::digest::digest(&ring::digest::SHA256, cert.public_key().raw).as_ref())
        ));
    }
    Ok(pins)
}

/// The common name and organizations of a DER certificate.
pub fn identity(der: &[u8]) -> Option<(String, Vec<String>)> {
    let (_, cert) = X509Certificate::from_der(der).ok()?;
    let name = cert.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
    let groups = cert.subject().iter_organization().filter_map(|part| part.as_str().ok().map(str::to_owned)).collect();
    Some((name, groups))
}

/// When a PEM certificate ends, as unix seconds.
pub fn not_after(pem: &str) -> Option<i64> {
    let der = crate::net::trust::certificates(pem.as_bytes()).ok()?;
    let (_, cert) = X509Certificate::from_der(der.first()?).ok()?;
    Some(cert.validity().not_after.timestamp())
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Standard base64.
pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Reads standard base64, line breaks allowed.
pub fn unbase64(text: &str) -> Result<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    base64::engine::general_purpose::STANDARD.decode(compact).context("decoding base64")
}

/// Base64 for URLs, without padding (as JWS uses it).
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// The detached JWS over `content` that the bootstrap signer makes: HS256, key = token secret, kid = token id.
pub fn jws(content: &str, id: &str, secret: &str) -> String {
    let header = base64url(format!("{{\"alg\":\"HS256\",\"kid\":\"{id}\"}}"));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = ring::hmac::sign(&key, format!("{header}.{}", base64url(content)).as_bytes());
    format!("{header}..{}", base64url(tag))
}

/// `count` random characters of `alphabet`.
pub fn random(count: usize, alphabet: &[u8]) -> String {
    use ring::rand::SecureRandom;
    let mut bytes = vec![0u8; count];
    // SystemRandom fails only where getrandom(2) does not exist.
    let _ = ring::rand::SystemRandom::new().fill(&mut bytes);
    bytes.iter().map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
}

/// A random UUID, version 4.
pub fn uuid() -> String {
    let digits = random(30, b"0123456789abcdef");
    format!("{}-{}-4{}-a{}-{}", &digits[..8], &digits[8..12], &digits[12..15], &digits[15..18], &digits[18..30])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_signed_for_the_subject_it_names() {
        let ca = authority("kubernetes").unwrap();
        let (_, csr) = request(&Subject { name: "system:node:w1", group: Some("system:nodes"), names: &[] }).unwrap();
        let cert = sign(&ca, &csr).unwrap();
        let der = crate::net::trust::certificates(cert.as_bytes()).unwrap().remove(0);
        assert_eq!(identity(&der).unwrap(), ("system:node:w1".into(), vec!["system:nodes".into()]));
        assert!(crate::net::trust::signed_by(ca.cert.as_bytes(), &der));
        assert!(!crate::net::trust::signed_by(authority("other").unwrap().cert.as_bytes(), &der));
    }

    #[test]
    fn a_detached_signature_has_no_payload() {
        let signature = jws("content", "abcdef", "0123456789abcdef");
        assert!(signature.contains(".."));
        assert_ne!(signature, jws("content", "abcdef", "0123456789abcdee"));
    }
}
