//! TLS for connections to databases: what is demanded, and what is checked of who answers. HTTPS is not made here.
//!
//! Modes are those of PostgreSQL's own client. Without an authority's certificate nothing is checked: what is sent cannot be
//! read on the way, but who answers is not known. With one, every connection that is encrypted is checked, in any mode.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::secret::Secret;

/// How a connection to a database is encrypted. `Debug` shows no key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Tls {
    /// What is demanded.
    pub mode: TlsMode,
    /// Certificates of authorities (PEM); empty for none.
    pub authority: Secret,
    /// The client's own certificate, with those between it and its authority (PEM); empty for none.
    pub certificate: Secret,
    /// The key of the client's certificate (PEM); empty for none.
    pub key: Secret,
}

/// `sslmode`, as PostgreSQL's own client has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum TlsMode {
    /// Clear text.
    Disable,
    /// Clear text, and TLS where the server refuses that.
    Allow,
    /// TLS, and clear text where the server has none.
    #[default]
    Prefer,
    /// TLS.
    Require,
    /// TLS with a certificate that the authority signed.
    VerifyCa,
    /// The same, and the certificate is for the host that was asked.
    VerifyFull,
}

impl TlsMode {
    /// The mode of a name.
    pub fn parse(name: &str) -> Option<TlsMode> {
        Some(match name {
            "disable" => TlsMode::Disable,
            "allow" => TlsMode::Allow,
            "prefer" => TlsMode::Prefer,
            "require" => TlsMode::Require,
            "verify-ca" => TlsMode::VerifyCa,
            "verify-full" => TlsMode::VerifyFull,
            _ => return None,
        })
    }
}

/// The configuration of connections; an error says what is wrong with the certificates, and repeats nothing of them.
pub(crate) fn config(tls: &Tls) -> std::result::Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier(tls, provider)?);
    match (tls.certificate.is_empty(), tls.key.is_empty()) {
        (true, true) => Ok(builder.with_no_client_auth()),
        (false, false) => {
            let key = PrivateKeyDer::from_pem_slice(tls.key.reveal().as_bytes())
                .map_err(|_| "the key of the client's certificate is no key in PEM".to_owned())?;
            let chain = certificates(&tls.certificate, "the client's certificate")?;
            builder.with_client_auth_cert(chain, key).map_err(|error| format!("the client's certificate: {error}"))
        }
        (false, true) => Err("the client's certificate is there, but not its key".to_owned()),
        (true, false) => Err("the key of the client's certificate is there, but not the certificate".to_owned()),
    }
}

fn certificates(pem: &Secret, what: &str) -> std::result::Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_slice_iter(pem.reveal().as_bytes()).collect::<std::result::Result<Vec<_>, _>>();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("{what} is no certificate in PEM")),
    }
}

fn verifier(tls: &Tls, provider: Arc<CryptoProvider>) -> std::result::Result<Arc<dyn ServerCertVerifier>, String> {
    if tls.authority.is_empty() {
        return match tls.mode {
            TlsMode::VerifyCa | TlsMode::VerifyFull => {
                Err("who answers is to be verified, and there is no certificate of an authority to do so".to_owned())
            }
            _ => Ok(Arc::new(Unverified { provider })),
        };
    }
    let authorities = certificates(&tls.authority, "the authority's certificate")?;
    let mut roots = RootCertStore::empty();
    for authority in &authorities {
        roots.add(authority.clone()).map_err(|error| format!("the authority's certificate: {error}"))?;
    }
    let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let chain = chain.map_err(|error| format!("the authority's certificate: {error}"))?;
    Ok(Arc::new(Verified { chain, authorities, checks_name: tls.mode == TlsMode::VerifyFull }))
}

/// Accepts what an authority signed.
#[derive(Debug)]
struct Verified {
    chain: Arc<WebPkiServerVerifier>,
    authorities: Vec<CertificateDer<'static>>,
    checks_name: bool,
}

impl ServerCertVerifier for Verified {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        use rustls::Error::InvalidCertificate;
        let error = match self.chain.verify_server_cert(end, between, name, ocsp, now) {
            Ok(verified) => return Ok(verified),
            Err(error) => error,
        };
        match &error {
            // names are looked at when all else is right
            InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
                if !self.checks_name =>
            {
                Ok(ServerCertVerified::assertion())
            }
            // a certificate that signs itself is an authority's, which is not taken for a server's; here it was named
            InvalidCertificate(CertificateError::Other(_)) if self.authorities.iter().any(|known| known == end) => {
                if self.checks_name {
                    rustls::client::verify_server_name(&ParsedCertificate::try_from(end)?, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            _ => Err(error),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Accepts every certificate, but only with its own signature under the handshake.
#[derive(Debug)]
struct Unverified {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_said_and_not_repeated() {
        let why = |tls: Tls| config(&tls).map(|_| ()).unwrap_err();
        let pem = |text: &str| Secret::new(text);
        assert!(why(Tls { authority: pem("s3cr3t"), ..Tls::default() }).contains("no certificate in PEM"));
        assert!(why(Tls { certificate: pem("s3cr3t"), ..Tls::default() }).contains("not its key"));
        assert!(why(Tls { key: pem("s3cr3t"), ..Tls::default() }).contains("not the certificate"));
        let both = Tls { certificate: pem("s3cr3t"), key: pem("s3cr3t"), ..Tls::default() };
        assert!(!why(both.clone()).contains("s3cr3t") && !format!("{both:?}").contains("s3cr3t"));
        for mode in ["verify-ca", "verify-full"] {
            let mode = TlsMode::parse(mode).unwrap();
            assert!(why(Tls { mode, ..Tls::default() }).contains("authority"));
        }
        assert!(config(&Tls::default()).is_ok());
        assert_eq!(TlsMode::parse("verify"), None);
    }
}
