//! Asks what is known about the certificates of a chain.

use std::time::Duration;

use eseal_pki::ocsp::{MAX_RESPONSE, OcspRequest, OcspResponse, REQUEST_MEDIA_TYPE, RESPONSE_MEDIA_TYPE};
use eseal_pki::{Certificate, Crl, CrlError, DeltaCrl, DigestAlg, Evidence, OcspError};

use crate::addresses::Addresses;
use crate::error::OnlineError;
use crate::http::{Exchange, Http};

const EXCHANGE: Exchange = Exchange { question: REQUEST_MEDIA_TYPE, answer: RESPONSE_MEDIA_TYPE, max: MAX_RESPONSE };
/// Bytes of the longest list that is fetched.
const MAX_LIST: usize = 16 << 20;

/// Asks about revocation at the addresses that certificates name.
pub struct RevocationClient {
    http: Http,
}

/// What was learned, and what could not be.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Everything that answers, each signed by whom it had to be; and the certificates that it was asked about.
    pub evidence: Evidence,
    /// Of each certificate without an answer what was tried.
    pub failed: Vec<OnlineError>,
}

impl RevocationClient {
    /// A client that asks these addresses, each for so long at most.
    ///
    /// # Errors
    /// [`OnlineError::Client`].
    pub fn try_new(timeout: Duration, addresses: Addresses) -> Result<Self, OnlineError> {
        Ok(Self { http: Http::try_new(timeout, addresses, &[])? })
    }

    /// Asks about every certificate of a chain, from the signer's to the trusted one, which is not asked about. OCSP first, then
    /// lists. Only chains to a trusted root should be asked about: the addresses are what their issuers wrote.
    pub async fn gather(&self, chain: &[Certificate]) -> Gathered {
        let mut gathered = Gathered::default();
        gathered.evidence.certificates = chain.to_vec();
        for pair in chain.windows(2) {
            match self.about(&pair[0], &pair[1]).await {
                Ok(found) => gathered.evidence.extend(found),
                Err(failed) => gathered.failed.extend(failed),
            }
        }
        gathered
    }

    async fn about(&self, certificate: &Certificate, issuer: &Certificate) -> Result<Evidence, Vec<OnlineError>> {
        let mut failed = Vec::new();
        for url in certificate.ocsp_urls() {
            match self.status(url, certificate, issuer).await {
                Ok(response) => {
                    let certificates = response.certificates().to_vec();
                    return Ok(Evidence { certificates, ocsps: vec![response], ..Evidence::default() });
                }
                Err(error) => failed.push(error),
            }
        }
        for url in certificate.crl_urls() {
            match self.list(url, issuer).await {
                Ok(list) => return Ok(Evidence { crls: vec![list], ..Evidence::default() }),
                Err(error) => failed.push(error),
            }
        }
        if failed.is_empty() {
            failed.push(OnlineError::NoPlace { subject: certificate.subject() });
        }
        Err(failed)
    }

    /// Asks one responder.
    ///
    /// # Errors
    /// [`OnlineError`].
    pub async fn status(
        &self,
        url: &str,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Result<OcspResponse, OnlineError> {
        let request = OcspRequest::about(certificate, issuer, DigestAlg::Sha1)
            .map_err(|source| OnlineError::Question { subject: certificate.subject(), source })?;
        let answer = self.http.post(url, &EXCHANGE, request.to_der()).await?;
        let wrong = |source| OnlineError::CertificateStatus { url: url.to_owned(), source };
        let response = OcspResponse::from_der(&answer).map_err(wrong)?;
        response.answers(&request).map_err(wrong)?;
        response.verify(issuer).map_err(wrong)?;
        match response.statement_about(certificate, issuer) {
            Some(_) => Ok(response),
            None => Err(wrong(OcspError::Malformed("it is about another certificate"))),
        }
    }

    /// Fetches one list of `issuer`, as DER or PEM.
    ///
    /// # Errors
    /// [`OnlineError`].
    pub async fn list(&self, url: &str, issuer: &Certificate) -> Result<Crl, OnlineError> {
        let bytes = self.http.get(url, MAX_LIST).await?;
        let wrong = |source: CrlError| OnlineError::List { url: url.to_owned(), source };
        let list = if is_pem(&bytes) { Crl::from_pem(&bytes) } else { Crl::from_der(&bytes) }.map_err(wrong)?;
        list.verify(issuer).map_err(wrong)?;
        Ok(list)
    }

    /// Fetches one list of changes by `issuer`, likewise. Whether it has the changes to a certain list is for the caller to see.
    ///
    /// # Errors
    /// [`OnlineError`].
    pub async fn changes(&self, url: &str, issuer: &Certificate) -> Result<DeltaCrl, OnlineError> {
        let bytes = self.http.get(url, MAX_LIST).await?;
        let wrong = |source: CrlError| OnlineError::List { url: url.to_owned(), source };
        let changes = if is_pem(&bytes) { DeltaCrl::from_pem(&bytes) } else { DeltaCrl::from_der(&bytes) };
        let changes = changes.map_err(wrong)?;
        changes.verify(issuer).map_err(wrong)?;
        Ok(changes)
    }
}

fn is_pem(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"-----")
}
