//! The structures as GB/T 38540-2020 prints them, for writing. Names follow the standard, its spelling of "Pictrue"
//! excepted. Reading has a tolerant path of its own: see [`crate::read`].

use der::Sequence;
use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, Ia5StringRef, ObjectIdentifier, OctetStringRef};
use der::asn1::{PrintableStringRef, Utf8StringRef};

/// SES_Header.
#[derive(Sequence)]
pub(crate) struct Header<'a> {
    pub(crate) id: Ia5StringRef<'a>,
    pub(crate) version: i64,
    pub(crate) vid: Ia5StringRef<'a>,
}

/// SES_ESPropertyInfo. The list is encoded apart: only `cert_list_type` tells which of its two forms it has.
#[derive(Sequence)]
pub(crate) struct Property<'a> {
    pub(crate) seal_type: i64,
    pub(crate) name: Utf8StringRef<'a>,
    pub(crate) cert_list_type: i64,
    pub(crate) cert_list: AnyRef<'a>,
    pub(crate) create_date: GeneralizedTime,
    pub(crate) valid_start: GeneralizedTime,
    pub(crate) valid_end: GeneralizedTime,
}

/// One entry of CertDigestList.
#[derive(Sequence)]
pub(crate) struct CertDigest<'a> {
    pub(crate) algorithm: PrintableStringRef<'a>,
    pub(crate) value: &'a OctetStringRef,
}

/// SES_ESPictrueInfo; sides in millimetres.
#[derive(Sequence)]
pub(crate) struct Picture<'a> {
    pub(crate) kind: Ia5StringRef<'a>,
    pub(crate) data: &'a OctetStringRef,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// ExtData.
#[derive(Sequence)]
pub(crate) struct Extension<'a> {
    pub(crate) id: ObjectIdentifier,
    #[asn1(default = "not_critical")]
    pub(crate) critical: bool,
    pub(crate) value: &'a OctetStringRef,
}

fn not_critical() -> bool {
    false
}

/// SES_SealInfo. The standard says EXPLICIT of `ext_datas` without giving a tag: in files it is a plain SEQUENCE.
#[derive(Sequence)]
pub(crate) struct SealInfo<'a> {
    pub(crate) header: Header<'a>,
    pub(crate) es_id: Ia5StringRef<'a>,
    pub(crate) property: Property<'a>,
    pub(crate) picture: Picture<'a>,
    #[asn1(optional = "true")]
    pub(crate) ext_datas: Option<Vec<Extension<'a>>>,
}

/// SESeal, around the exact bytes that the maker signed.
#[derive(Sequence)]
pub(crate) struct Seal<'a> {
    pub(crate) info: AnyRef<'a>,
    pub(crate) cert: &'a OctetStringRef,
    pub(crate) sign_alg_id: ObjectIdentifier,
    pub(crate) signed_value: BitStringRef<'a>,
}

/// TBS_Sign.
#[derive(Sequence)]
pub(crate) struct ToSign<'a> {
    pub(crate) version: i64,
    pub(crate) eseal: AnyRef<'a>,
    pub(crate) time_info: GeneralizedTime,
    pub(crate) data_hash: BitStringRef<'a>,
    pub(crate) property_info: Ia5StringRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) ext_datas: Option<Vec<Extension<'a>>>,
}

/// SES_Signature, around the exact bytes that the holder signed.
#[derive(Sequence)]
pub(crate) struct Signature<'a> {
    pub(crate) to_sign: AnyRef<'a>,
    pub(crate) cert: &'a OctetStringRef,
    pub(crate) signature_alg_id: ObjectIdentifier,
    pub(crate) signature: BitStringRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) time_stamp: Option<BitStringRef<'a>>,
}
