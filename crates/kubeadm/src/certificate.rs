//! What a client certificate says: whose it is, and when it is valid.
//!
//! Reads just enough DER (RFC 5280, section 4.1); the fields before and after are stepped over. It verifies no signature.

use crate::ca::{der_of_pem, element};
use crate::time;
use anyhow::{Context as _, bail};
use std::time::SystemTime;

const INTEGER: u8 = 0x02;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EXPLICIT_0: u8 = 0xa0;
/// commonName, 2.5.4.3.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

/// A certificate, as far as a kubelet's matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The subject's common name: `system:node:NAME` for a kubelet's.
    pub common_name: String,
    /// Valid from then on.
    pub not_before: SystemTime,
    /// Valid until then.
    pub not_after: SystemTime,
}

impl Certificate {
    /// Reads the first certificate of a PEM file, which may hold its key, too.
    pub fn of_pem(pem: &[u8]) -> anyhow::Result<Self> {
        let der = der_of_pem(pem)?;
        let (certificate, _) = element(&der, SEQUENCE)?;
        let (mut rest, _) = element(certificate, SEQUENCE)?;
        // version [0] is left out in a v1 certificate.
        if rest.first() == Some(&EXPLICIT_0) {
            rest = element(rest, EXPLICIT_0)?.1;
        }
        // serialNumber, signature, issuer
        for tag in [INTEGER, SEQUENCE, SEQUENCE] {
            rest = element(rest, tag)?.1;
        }
        let (validity, rest) = element(rest, SEQUENCE)?;
        let (not_before, after) = moment(validity)?;
        let (not_after, _) = moment(after)?;
        let (subject, _) = element(rest, SEQUENCE)?;
        Ok(Certificate { common_name: common_name(subject)?, not_before, not_after })
    }

    /// The Node that a kubelet with this certificate may be.
    pub fn node_name(&self) -> Option<&str> {
        self.common_name.strip_prefix("system:node:").filter(|name| !name.is_empty())
    }
}

/// UTCTime has two digits for the year, which mean 1950 to 2049.
fn moment(der: &[u8]) -> anyhow::Result<(SystemTime, &[u8])> {
    let tag = der.first().copied().context("the certificate has no validity")?;
    let (value, rest) = element(der, tag)?;
    let text = std::str::from_utf8(value).context("the certificate has a date that is not text")?;
    let digits = match tag {
        UTC_TIME if text.get(..2).is_some_and(|year| year < "50") => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        other => bail!("the certificate has a field of type {other:#04x} where a date belongs"),
    };
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    let (date, clock) = ((part(0, 4), part(4, 6), part(6, 8)), (part(8, 10), part(10, 12), part(12, 14)));
    let iso = format!("{}-{}-{}T{}:{}:{}Z", date.0, date.1, date.2, clock.0, clock.1, clock.2);
    Ok((time::parse(&iso).with_context(|| format!("the certificate has the date {text:?}"))?, rest))
}

/// A name is a list of sets of pairs.
fn common_name(mut subject: &[u8]) -> anyhow::Result<String> {
    while !subject.is_empty() {
        let (mut set, rest) = element(subject, SET)?;
        while !set.is_empty() {
            let (pair, others) = element(set, SEQUENCE)?;
            let (kind, value) = element(pair, OBJECT)?;
            if kind == COMMON_NAME {
                let tag = value.first().copied().context("the certificate ends too early")?;
                return Ok(String::from_utf8_lossy(element(value, tag)?.0).into_owned());
            }
            set = others;
        }
        subject = rest;
    }
    Ok(String::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_kubelets_certificate_says_whose_it_is_and_until_when() {
        // openssl ca -selfsign -in CSR -startdate 20250101000000Z, subject O=system:nodes, CN=system:node:w1, -enddate
        // 20260101000000Z; and the same with an end in 2060, which takes the other kind of date.
        let read = Certificate::of_pem(include_bytes!("../tests/data/kubelet-client.pem")).unwrap();
        assert_eq!((read.node_name(), read.common_name.as_str()), (Some("w1"), "system:node:w1"));
        assert_eq!(read.not_before, time::parse("2025-01-01T00:00:00Z").unwrap());
        assert_eq!(read.not_after, time::parse("2026-01-01T00:00:00Z").unwrap());
        let far = Certificate::of_pem(include_bytes!("../tests/data/kubelet-client-2060.pem")).unwrap();
        assert_eq!(far.not_after, time::parse("2060-01-01T00:00:00Z").unwrap());
        assert_eq!(Certificate::of_pem(include_bytes!("../tests/data/ca.crt")).unwrap().node_name(), None);
    }

    proptest! {
        #[test]
        fn rubbish_and_pieces_are_errors_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..600, byte in any::<u8>()) {
            let _ = Certificate::of_pem(&bytes);
            let mut pem = include_bytes!("../tests/data/kubelet-client.pem").to_vec();
            let at = at % pem.len();
            pem[at] = byte;
            let _ = Certificate::of_pem(&pem);
        }
    }
}
