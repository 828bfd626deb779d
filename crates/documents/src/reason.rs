//! Why an item or a step did not pass, and why a document was refused.

use crate::codes::codes;

codes! {
    /// Why something is `failed` or `unknown`, or why a document could not be used at all.
    pub enum Reason {
        // The signer.
        SignerUntrusted = "SIGNER_UNTRUSTED",
            "the signer's certificate does not lead to a trusted root",
            "签章人证书不能追溯到受信任的根证书";
        SignerNotForSigning = "SIGNER_NOT_FOR_SIGNING",
            "the key usage of the signer's certificate does not allow signing",
            "签章人证书的密钥用途不允许签名";
        SignerCertificateMissing = "SIGNER_CERTIFICATE_MISSING",
            "the signature carries no certificate of its signer",
            "签名中没有签章人证书";
        SignerCertificateMalformed = "SIGNER_CERTIFICATE_MALFORMED",
            "the signer's certificate cannot be read",
            "签章人证书无法解析";
        TrustRootsMissing = "TRUST_ROOTS_MISSING",
            "no trusted root certificates were given",
            "未提供受信任的根证书";
        NotReached = "NOT_REACHED",
            "not judged, because the signer was not accepted",
            "签章人未通过验证,未继续判断";

        // The content.
        SignatureMalformed = "SIGNATURE_MALFORMED",
            "the signature or one of its files is missing or not well-formed",
            "签名或其文件缺失、格式不正确";
        SignatureValueUnsupported = "SIGNATURE_VALUE_UNSUPPORTED",
            "the form of the signature value is not supported",
            "不支持该签名值的格式";
        SignatureAlgorithmUnsupported = "SIGNATURE_ALGORITHM_UNSUPPORTED",
            "the signature algorithm is not supported",
            "不支持该签名算法";
        SignatureValueWrong = "SIGNATURE_VALUE_WRONG",
            "the signature value does not fit what was signed",
            "签名值验证失败";
        DataHashDiffers = "DATA_HASH_DIFFERS",
            "the signed digest differs from that of the protected data",
            "签名中的原文杂凑值与实际不符";
        ContentAltered = "CONTENT_ALTERED",
            "the content was changed after sealing",
            "内容在签章后被修改";
        ByteRangeInvalid = "BYTE_RANGE_INVALID",
            "the signed byte ranges are not the whole document of their time",
            "签名字节范围未覆盖签章时的全部文档";
        ChangeNotPermitted = "CHANGE_NOT_PERMITTED",
            "the document was changed after sealing in a way that is not permitted",
            "文档在签章后有不允许的修改";
        ContentMissing = "CONTENT_MISSING",
            "a file that the signature protects is missing",
            "签名保护的文件缺失";
        ReferencesMissing = "REFERENCES_MISSING",
            "the signature protects nothing",
            "签名没有保护任何内容";
        CheckMethodUnsupported = "CHECK_METHOD_UNSUPPORTED",
            "the digest algorithm is not supported or needs a key",
            "不支持该杂凑算法或该算法需要密钥";

        // The impression.
        SealMalformed = "SEAL_MALFORMED",
            "the electronic seal is not well-formed",
            "电子印章数据格式不正确";
        SealMissing = "SEAL_MISSING",
            "the electronic seal is missing",
            "缺少电子印章数据";
        SealMakerSignatureWrong = "SEAL_MAKER_SIGNATURE_WRONG",
            "the seal maker's signature does not fit the seal",
            "制章人签名验证失败";
        MakerNotAuthorized = "MAKER_NOT_AUTHORIZED",
            "the seal maker's certificate does not lead to a trusted maker root",
            "制章人证书不能追溯到受信任的制章根证书";
        SignerNotInSeal = "SIGNER_NOT_IN_SEAL",
            "the signer's certificate is not in the seal's list",
            "签章人证书不在电子印章的证书列表中";
        SealCopyDiffers = "SEAL_COPY_DIFFERS",
            "Seal.esl differs from the seal in the signature",
            "Seal.esl与签名中的电子印章不一致";
        SealingTimeUnknown = "SEALING_TIME_UNKNOWN",
            "the signature does not say, in a form that can be read, when it was made",
            "签名未给出可读取的签章时间";
        SealingTimeOutsideSeal = "SEALING_TIME_OUTSIDE_SEAL",
            "the sealing time lies outside the seal's validity",
            "签章时间不在电子印章有效期内";

        // Steps that change no item.
        SignerExpiredAtSealing = "SIGNER_EXPIRED_AT_SEALING",
            "the sealing time lies outside the validity of the signer's certificate",
            "签章时间不在签章人证书有效期内";
        TimeStampNotChecked = "TIME_STAMP_NOT_CHECKED",
            "the time stamp was not checked",
            "时间戳未验证";

        TimeStampMalformed = "TIME_STAMP_MALFORMED",
            "the time stamp cannot be read",
            "时间戳格式不正确";
        TimeStampWrong = "TIME_STAMP_WRONG",
            "the time stamp is about something else, or its authority did not sign it",
            "时间戳与所覆盖内容不符或其签名无效";

        // Documents that cannot be used.
        DocumentUnreadable = "DOCUMENT_UNREADABLE",
            "the file cannot be read or written",
            "文件无法读取或写入";
        NotADocument = "NOT_A_DOCUMENT",
            "the file is neither an OFD nor a PDF document",
            "文件不是OFD或PDF文档";
        DocumentMalformed = "DOCUMENT_MALFORMED",
            "the document is damaged",
            "文档已损坏";
        DocumentEncrypted = "DOCUMENT_ENCRYPTED",
            "the document is protected with a password",
            "文档有密码保护";
        DocumentUnsupported = "DOCUMENT_UNSUPPORTED",
            "the document uses something that is not supported",
            "文档使用了不支持的特性";
        DocumentTooLarge = "DOCUMENT_TOO_LARGE",
            "the document exceeds a limit",
            "文档超出限制";
        EntryNameUnsafe = "ENTRY_NAME_UNSAFE",
            "a name in the package is unsafe or ambiguous",
            "包内文件名不安全或有歧义";
        DocumentLocked = "DOCUMENT_LOCKED",
            "an earlier seal does not permit further seals",
            "已有签章不允许再次签章";
        DocumentRestricted = "DOCUMENT_RESTRICTED",
            "the owner of the encrypted document does not permit signing it",
            "加密文档的所有者不允许签名";
        CertificationNotFirst = "CERTIFICATION_NOT_FIRST",
            "a certification must be the first signature of a document",
            "认证签章必须是文档的第一个签名";
        FieldUnusable = "FIELD_UNUSABLE",
            "the signature field does not exist, is signed already, or cannot be used so",
            "签名域不存在、已签名或不能这样使用";
        SeedValueContradicted = "SEED_VALUE_CONTRADICTED",
            "the author of the signature field requires something else",
            "与签名域作者的要求不符";
        OptionUnfit = "OPTION_UNFIT",
            "what was asked for does not exist in documents of this format",
            "所要求的选项不适用于该格式的文档";
        TimeStampRefused = "TIME_STAMP_REFUSED",
            "the time stamp is not over this document or signature, or does not fit",
            "时间戳与文档或签名不符,或长度超出预留空间";
        DocumentChanged = "DOCUMENT_CHANGED",
            "the document is not the one that was prepared for sealing",
            "文档与准备签章时不一致";
        PageNotFound = "PAGE_NOT_FOUND",
            "the page does not exist",
            "页面不存在";
        PlaceOutsidePage = "PLACE_OUTSIDE_PAGE",
            "the place of the seal is not on the page",
            "签章位置超出页面";
        KeywordNotFound = "KEYWORD_NOT_FOUND",
            "the keyword for the place of the seal is not in the document, or not that often",
            "文档中未找到签章定位关键字或次数不足";
        SeamNeedsPages = "SEAM_NEEDS_PAGES",
            "a seam seal needs a document of at least two pages",
            "骑缝章要求文档至少有两页";
        SeveralDocuments = "SEVERAL_DOCUMENTS",
            "the places of the seal are in several documents of one package",
            "签章位置分布在同一包内的多个文档中";
        PlacementInvalid = "PLACEMENT_INVALID",
            "the rule for the places of the seal is not valid",
            "签章定位规则无效";
        SealUnusable = "SEAL_UNUSABLE",
            "the seal cannot be used for sealing",
            "该电子印章不能用于签章";
        SigningFailed = "SIGNING_FAILED",
            "the signature does not verify with the signer's certificate",
            "签章失败";
    }
}
