//! The names of EN 319 102-1 and TS 119 102-2, with words for people.

use crate::codes::codes;

codes! {
    /// The building blocks of validation (EN 319 102-1 §5.2 and §5.4 to §5.6), in the order in which they count.
    pub enum BuildingBlock {
        FormatChecking = "FORMAT_CHECKING",
            "the signature and the document around it are well-formed",
            "签名格式及文档结构检查";
        SigningCertificate = "IDENTIFICATION_OF_SIGNING_CERTIFICATE",
            "the signer's certificate is there and is the one that the signature names",
            "签章人证书识别";
        ValidationContext = "VALIDATION_CONTEXT_INITIALIZATION",
            "whom to trust, and the moment to judge for, are known",
            "验证环境初始化(信任根与验证时刻)";
        X509Validation = "X509_CERTIFICATE_VALIDATION",
            "the signer's certificate leads to a trusted root, was valid and was not revoked",
            "证书链、有效期与撤销状态验证";
        RevocationFreshness = "REVOCATION_FRESHNESS_CHECKING",
            "what is known of revocation is recent enough",
            "撤销信息时效检查";
        CryptographicVerification = "CRYPTOGRAPHIC_VERIFICATION",
            "the digests and the signature value are right",
            "杂凑值与签名值验证";
        SignatureAcceptance = "SIGNATURE_ACCEPTANCE_VALIDATION",
            "the seal is genuine and the signer's to use, and the algorithms are strong enough",
            "签章接受性验证(印章与算法)";
        TimeStampValidation = "TIME_STAMP_VALIDATION",
            "a time stamp holds and comes from a trusted authority",
            "时间戳验证";
        ProofOfExistence = "PROOF_OF_EXISTENCE",
            "a trusted time stamp proves that the seal existed in time",
            "签章存在性证明";
    }
}

codes! {
    /// Why a status is TOTAL-FAILED or INDETERMINATE: the sub-indications of EN 319 102-1 §5.1.3, tables 5 and 6.
    pub enum SubIndication {
        FormatFailure = "FORMAT_FAILURE",
            "the signature is damaged, or the document was changed around it after sealing",
            "签名格式错误,或文档在签章后有不允许的修改";
        HashFailure = "HASH_FAILURE",
            "the content is not the one that was sealed",
            "内容杂凑值不符,文档已被改动";
        SigCryptoFailure = "SIG_CRYPTO_FAILURE",
            "the signature value is wrong",
            "签名值验证失败";
        Revoked = "REVOKED",
            "the certificate had been revoked when the seal was applied",
            "签章时证书已被撤销";
        Expired = "EXPIRED",
            "the certificate had expired when the seal was applied",
            "签章时证书已过期";
        NotYetValid = "NOT_YET_VALID",
            "the certificate was not yet valid when the seal was applied",
            "签章时证书尚未生效";
        SigConstraintsFailure = "SIG_CONSTRAINTS_FAILURE",
            "the seal does not meet the rules for electronic seals",
            "不符合电子签章规则(印章或其使用不合要求)";
        ChainConstraintsFailure = "CHAIN_CONSTRAINTS_FAILURE",
            "a certificate of the chain may not be used for this",
            "证书链不符合用途或策略要求";
        CertificateChainGeneralFailure = "CERTIFICATE_CHAIN_GENERAL_FAILURE",
            "a certificate of the chain could not be checked",
            "证书链验证出错";
        CryptoConstraintsFailure = "CRYPTO_CONSTRAINTS_FAILURE",
            "an algorithm or key was too weak when the seal was applied",
            "签章时所用算法或密钥强度已不足";
        PolicyProcessingError = "POLICY_PROCESSING_ERROR",
            "the rules to validate by could not be applied",
            "验证策略无法执行";
        SignaturePolicyNotAvailable = "SIGNATURE_POLICY_NOT_AVAILABLE",
            "the signature policy is not available",
            "签名策略不可用";
        TimestampOrderFailure = "TIMESTAMP_ORDER_FAILURE",
            "the time stamps contradict each other",
            "时间戳先后次序矛盾";
        NoSigningCertificateFound = "NO_SIGNING_CERTIFICATE_FOUND",
            "the signer's certificate was not found",
            "未找到签章人证书";
        NoCertificateChainFound = "NO_CERTIFICATE_CHAIN_FOUND",
            "the signer's certificate does not lead to a trusted root",
            "签章人证书不能追溯到受信任的根证书";
        RevokedNoPoe = "REVOKED_NO_POE",
            "the certificate is revoked, and nothing proves that the seal was applied before",
            "证书已被撤销,且无法证明签章早于撤销";
        RevokedCaNoPoe = "REVOKED_CA_NO_POE",
            "a CA of the chain is revoked, and nothing proves that the seal was applied before",
            "上级CA证书已被撤销,且无法证明签章早于撤销";
        OutOfBoundsNotRevoked = "OUT_OF_BOUNDS_NOT_REVOKED",
            "the certificate has expired without being revoked, and nothing proves that the seal was applied before",
            "证书已过期(未被撤销),且无法证明签章早于过期";
        OutOfBoundsNoPoe = "OUT_OF_BOUNDS_NO_POE",
            "the certificate is not valid at this time, and nothing proves that the seal was applied when it was",
            "证书已过期或尚未生效,且无法证明签章时证书有效";
        RevocationOutOfBoundsNoPoe = "REVOCATION_OUT_OF_BOUNDS_NO_POE",
            "the certificate of whoever answered about revocation is not valid at this time",
            "撤销信息签发者证书不在有效期内,且无存在性证明";
        CryptoConstraintsFailureNoPoe = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
            "an algorithm or key is too weak today, and nothing proves that the seal was applied before it was",
            "算法或密钥强度现已不足,且无法证明签章早于算法失效";
        NoPoe = "NO_POE",
            "nothing proves when the seal was applied",
            "无法证明签章时间";
        TryLater = "TRY_LATER",
            "whether a certificate is revoked is not known now; later or online it may be",
            "目前无法确定证书是否被撤销,请稍后或联网重试";
        SignedDataNotFound = "SIGNED_DATA_NOT_FOUND",
            "something that was sealed is missing",
            "缺少被签章的内容";
        Generic = "GENERIC",
            "it cannot be judged for another reason",
            "因其他原因无法判断";
    }
}

impl SubIndication {
    /// The name in ETSI TS 119 102-2 reports.
    pub fn urn(self) -> String {
        format!("urn:etsi:019102:subindication:{}", self.code())
    }
}

/// The outcome of validation (EN 319 102-1 §5.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Indication {
    /// Everything that had to hold holds.
    TotalPassed,
    /// Something does not hold, whatever else may still be learned.
    TotalFailed,
    /// Something cannot be said with what is known.
    Indeterminate,
}

impl Indication {
    /// `TOTAL-PASSED`, `TOTAL-FAILED` or `INDETERMINATE`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TotalPassed => "TOTAL-PASSED",
            Self::TotalFailed => "TOTAL-FAILED",
            Self::Indeterminate => "INDETERMINATE",
        }
    }

    /// What it says to a person.
    pub const fn text(self, language: crate::Language) -> &'static str {
        match (self, language) {
            (Self::TotalPassed, crate::Language::En) => "everything holds",
            (Self::TotalPassed, crate::Language::ZhCn) => "全部通过",
            (Self::TotalFailed, crate::Language::En) => "it does not hold",
            (Self::TotalFailed, crate::Language::ZhCn) => "验证失败",
            (Self::Indeterminate, crate::Language::En) => "it cannot be said",
            (Self::Indeterminate, crate::Language::ZhCn) => "无法确定",
        }
    }

    /// The name in ETSI TS 119 102-2 reports.
    pub fn urn(self) -> &'static str {
        match self {
            Self::TotalPassed => "urn:etsi:019102:mainindication:total-passed",
            Self::TotalFailed => "urn:etsi:019102:mainindication:total-failed",
            Self::Indeterminate => "urn:etsi:019102:mainindication:indeterminate",
        }
    }
}
