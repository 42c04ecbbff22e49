//! Certificates that replform makes: an authority for one purpose, and certificates that it signs. Keys stay in memory here and
//! leave only as secrets of one apply.
//!
//! X.509 version 3 (RFC 5280), P-256 keys, SHA-256. Nothing is written or read.

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};

use crate::secret::Secret;

/// Bits of a serial number: beyond guessing and within the 20 bytes of RFC 5280, 4.1.2.2.
const SERIAL_BITS: i32 = 127;
/// Certificates are valid from a day before now on, so that a host whose clock is behind takes them too.
const TOLERANCE_DAYS: u32 = 1;

/// An authority whose key is never shown: it ends with this value.
pub struct Authority {
    key: PKey<Private>,
    certificate: X509,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl Authority {
    /// A new one called `name`; it and all that it signs are valid for `days` from now.
    ///
    /// # Errors
    /// When the system has no randomness to give, or OpenSSL fails.
    pub fn new(name: &str, days: u32) -> Result<Self, ErrorStack> {
        let key = new_key()?;
        let subject = common_name(name)?;
        let mut builder = builder(&subject, &subject, &key, days)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().build()?)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Self {
            key,
            certificate: builder.build(),
        })
    }

    /// Its certificate, PEM: no secret.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub fn certificate_pem(&self) -> Result<String, ErrorStack> {
        Ok(String::from_utf8_lossy(&self.certificate.to_pem()?).into_owned())
    }

    /// A certificate for `name`, good for both ends of a connection, and its key: both PEM, in one text.
    ///
    /// # Errors
    /// When the system has no randomness to give, or OpenSSL fails.
    pub fn issue(&self, name: &str, days: u32) -> Result<Secret, ErrorStack> {
        let key = new_key()?;
        let mut builder = builder(
            &*common_name(name)?,
            self.certificate.subject_name(),
            &key,
            days,
        )?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        builder.append_extension(
            ExtendedKeyUsage::new()
                .server_auth()
                .client_auth()
                .build()?,
        )?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        let mut pem = builder.build().to_pem()?;
        pem.extend(key.private_key_to_pem_pkcs8()?);
        Ok(Secret::new(String::from_utf8_lossy(&pem).into_owned()))
    }
}

fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn common_name(name: &str) -> Result<X509Name, ErrorStack> {
    let mut subject = X509NameBuilder::new()?;
    subject.append_entry_by_nid(Nid::COMMONNAME, name)?;
    Ok(subject.build())
}

fn builder(
    subject: &openssl::x509::X509NameRef,
    issuer: &openssl::x509::X509NameRef,
    key: &PKey<Private>,
    days: u32,
) -> Result<X509Builder, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(SERIAL_BITS, MsbOption::ONE, false)?;
    let now = Asn1Time::days_from_now(0)?;
    let from = {
        // The difference to the epoch in days and seconds: Asn1Time can't count backwards.
        let since = Asn1Time::from_unix(0)?.diff(&now)?;
        Asn1Time::from_unix(
            i64::from(since.days - i32::try_from(TOLERANCE_DAYS).unwrap_or(1)) * 86_400
                + i64::from(since.secs),
        )?
    };
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&from)?;
    builder.set_not_after(&*Asn1Time::days_from_now(days)?)?;
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_authority_issues_verifies_against_it_and_no_other() {
        let authority = Authority::new("replform copy", 2).unwrap();
        let other = Authority::new("replform copy", 2).unwrap();
        let pem = authority.issue("donor", 2).unwrap();
        let certificate = X509::from_pem(pem.expose().as_bytes()).unwrap();
        let key = PKey::private_key_from_pem(pem.expose().as_bytes()).unwrap();
        assert!(certificate.verify(&authority.key).unwrap());
        assert!(!certificate.verify(&other.key).unwrap());
        assert!(certificate.public_key().unwrap().public_eq(&key));
        let now = Asn1Time::days_from_now(0).unwrap();
        assert!(certificate.not_before() < now && certificate.not_after() > now);
    }

    #[test]
    fn an_authoritys_own_text_holds_no_key() {
        let authority = Authority::new("replform copy", 2).unwrap();
        let text = authority.certificate_pem().unwrap();
        assert!(text.starts_with("-----BEGIN CERTIFICATE-----") && !text.contains("PRIVATE"));
        assert_eq!(format!("{authority:?}"), "Authority");
    }
}
