//! Whom a TLS connection trusts, and how a refusal reads in Go's words.

use anyhow::{Context, Result, anyhow};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig,
    SignatureScheme,
};
use std::sync::Arc;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// All certificates of a PEM text.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| anyhow!("reading certificates: {error}"))
}

/// The root store that trusts the certificates of `ca_pem`.
pub fn roots(ca_pem: &[u8]) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(ca_pem)? {
        store.add(certificate).context("adding a root certificate")?;
    }
    Ok(store)
}

/// A client that trusts `ca_pem` (None: anybody, as kubeadm's first discovery call does), with a certificate or none.
pub fn client(ca_pem: Option<&[u8]>, identity: Option<(&[u8], &[u8])>) -> Result<Arc<ClientConfig>> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = match ca_pem {
        Some(pem) => builder.with_root_certificates(roots(pem)?),
        None => builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider()))),
    };
    Ok(Arc::new(match identity {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => builder.with_client_auth_cert(certificates(cert)?, private_key(key)?)?,
    }))
}

/// A server that asks for a client certificate and leaves judging it to the authenticator.
pub fn server(cert_pem: &[u8], key_pem: &[u8]) -> Result<Arc<ServerConfig>> {
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(Anybody(provider())))
        .with_single_cert(certificates(cert_pem)?, private_key(key_pem)?)?;
    Ok(Arc::new(config))
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| anyhow!("reading a private key: {error}"))
}

/// Whether a client certificate was signed by the CA of `ca_pem` and is valid now.
pub fn signed_by(ca_pem: &[u8], certificate: &CertificateDer<'_>) -> bool {
    let verify = || -> Result<()> {
        let verifier =
            rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots(ca_pem)?), provider())
                .build()?;
        verifier.verify_client_cert(certificate, &[], UnixTime::now())?;
        Ok(())
    };
    verify().is_ok()
}

#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn client_auth_mandatory(&self) -> bool {
        false
    }
    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn unix(time: &UnixTime) -> String {
    let when = time::OffsetDateTime::from_unix_timestamp(time.as_secs() as i64);
    when.map(crate::clock::stamp).unwrap_or_default()
}

/// A TLS failure as Go's crypto/tls and crypto/x509 word it.
pub fn wording(error: &rustls::Error, host: &str) -> String {
    match error {
        rustls::Error::InvalidMessage(_) => "tls: first record does not look like a TLS handshake".into(),
        rustls::Error::InvalidCertificate(reason) => match reason {
            CertificateError::ExpiredContext { time, not_after } => format!(
                "x509: certificate has expired or is not yet valid: current time {} is after {}",
                unix(time),
                unix(not_after)
            ),
            CertificateError::NotValidYetContext { time, not_before } => format!(
                "x509: certificate has expired or is not yet valid: current time {} is before {}",
                unix(time),
                unix(not_before)
            ),
            CertificateError::NotValidForNameContext { presented, .. } => {
                let ip = host.parse::<std::net::IpAddr>().is_ok();
                let names: Vec<_> = presented
                    .iter()
                    .filter(|name| name.starts_with("IpAddress") == ip)
                    .map(|name| {
                        name.split_once('(')
                            .map_or(name.as_str(), |(_, rest)| rest.trim_end_matches(')'))
                            .trim_matches('"')
                            .to_owned()
                    })
                    .collect();
                format!("x509: certificate is valid for {}, not {host}", names.join(", "))
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "x509: certificate signed by unknown authority".into()
            }
            other => format!("x509: {other}"),
        },
        rustls::Error::AlertReceived(alert) => format!("remote error: tls: {alert:?}").to_lowercase(),
        other => format!("tls: {other}"),
    }
}
