//! What a reader should know besides the three items.

use crate::Language;
use crate::codes::codes;
use crate::report::shown;

codes! {
    /// What a [`Note`] is about.
    pub enum NoteCode {
        EntriesUncovered = "ENTRIES_UNCOVERED",
            "no seal covers these files of the package, and the document does not use them",
            "包内有任何签章都未保护且文档未引用的文件";
        ContentUncovered = "CONTENT_UNCOVERED",
            "no seal covers these files, and the document uses them",
            "文档引用的部分文件未受任何签章保护";
        ContentCoveredByOthers = "CONTENT_COVERED_BY_OTHERS",
            "only other seals cover these files of the document",
            "文档的部分文件仅受其他签章保护";
        DocumentNotCovered = "DOCUMENT_NOT_COVERED",
            "the seal does not cover the document that the package shows, only other files",
            "该签章未保护包内所展示的文档主文件";
        SignatureListMissing = "SIGNATURE_LIST_MISSING",
            "the document names a list of signatures that the package does not have",
            "文档指定的签名列表文件缺失";
        SignatureOrphaned = "SIGNATURE_ORPHANED",
            "the package has files of a signature that the list of signatures does not name",
            "包内有未列入签名列表的签名文件";
        SignatureKindDisagrees = "SIGNATURE_KIND_DISAGREES",
            "the list of signatures calls a seal a plain signature or the other way round",
            "签名列表中的类型与签名值不符";
        StampPageUnknown = "STAMP_PAGE_UNKNOWN",
            "the stamp is placed on a page that the document does not have",
            "签章图案所在页面不存在";
        PackageAmbiguous = "PACKAGE_AMBIGUOUS",
            "the zip headers disagree, so other programs may see other content",
            "压缩包头信息不一致,其他软件可能看到不同内容";
        DocumentLocked = "DOCUMENT_LOCKED",
            "the seal does not permit further seals",
            "该签章不允许再次签章";
        TimeIsLocal = "TIME_IS_LOCAL",
            "a time marked as UTC appears to be local time",
            "标为UTC的时间疑似为本地时间";
        TimeSelfAsserted = "TIME_SELF_ASSERTED",
            "the sealing time is the signer's own statement",
            "签章时间为签章人自述,无时间戳";
        SignatureValueRaw = "SIGNATURE_VALUE_RAW",
            "the SM2 signature value is 64 raw bytes instead of DER",
            "SM2签名值为64字节裸格式而非DER编码";
        DataHashWithZ = "DATA_HASH_WITH_Z",
            "the signed digest was made with the signer's SM2 parameters in front, against the standard",
            "原文杂凑值计算时加入了SM2签名者参数,不符合标准";
        DigestWeak = "DIGEST_WEAK",
            "the digest algorithm is weak: two contents with one digest can be made",
            "杂凑算法较弱,可构造碰撞";
        LaterSignatures = "LATER_SIGNATURES",
            "further seals or signatures were added after this one",
            "其后又加盖了签章或签名";
        ValidationDataAdded = "VALIDATION_DATA_ADDED",
            "time stamps or data for later validation were added after sealing",
            "签章后添加了时间戳或长期验证数据";
        FormFilled = "FORM_FILLED",
            "form fields were filled after sealing, which is permitted",
            "签章后填写了表单域(允许)";
        FieldLooksOtherwise = "FIELD_LOOKS_OTHERWISE",
            "a form field that was filled after sealing shows something else than its value",
            "签章后填写的表单域显示内容与其值不符";
        CommentsPermitted = "COMMENTS_PERMITTED",
            "comments were added after sealing, which the signer permitted",
            "签章后添加了批注(签章人允许)";
        CommentsAdded = "COMMENTS_ADDED",
            "comments or pictures were added or changed after sealing",
            "签章后添加或修改了批注或图片";
        CommentsMayCover = "COMMENTS_MAY_COVER",
            "comments that the signer permitted can hide parts of the page or look like a part of it",
            "签章人允许的批注可能遮盖页面内容或被误认为页面内容";
        StampUninvited = "STAMP_UNINVITED",
            "a visible signature was put where the author of the certified document provided no field; it can hide parts of the page",
            "在已认证文档中未预留签名域的位置添加了可见签名,可能遮盖页面内容";
        StampCoversPage = "STAMP_COVERS_PAGE",
            "the picture of another signature covers most of a page",
            "另一签名的图案遮盖了页面的大部分";
        SignatureNotChecked = "SIGNATURE_NOT_CHECKED",
            "the signature could not be checked, so nothing shows that the content is what was signed",
            "无法验证该签名,不能证明内容未被修改";
        TimeStampWrong = "TIME_STAMP_WRONG",
            "the time stamp in the signature does not belong to it",
            "签名中的时间戳与签名不符";
        SealTimeStamped = "SEAL_TIME_STAMPED",
            "the seal itself has a time stamp over its maker's signature; whether its authority is trusted was not checked",
            "印章本身带有对制章人签名的时间戳,未验证时间戳机构是否受信任";
        SealTimeStampUnconfirmed = "SEAL_TIME_STAMP_UNCONFIRMED",
            "the seal itself has a time stamp that is not known to be over its maker's signature",
            "印章本身带有时间戳,但无法确认其针对制章人签名";
        DocumentTimeStamp = "DOCUMENT_TIME_STAMP",
            "the document has a time stamp as a whole; whether its authority is trusted was not checked",
            "文档带有整体时间戳,未验证时间戳机构是否受信任";
        DocumentTimeStampWrong = "DOCUMENT_TIME_STAMP_WRONG",
            "a time stamp over the whole document does not hold",
            "文档整体时间戳验证失败";
        FileRecovered = "FILE_RECOVERED",
            "the cross-reference table is damaged and was rebuilt, as viewers do",
            "文件交叉引用表已损坏,按阅读器方式重建";
        BytesAfterEnd = "BYTES_AFTER_END",
            "other bytes follow the document, which are no part of it",
            "文档末尾之后有不属于文档的字节";
        ObjectsAmbiguous = "OBJECTS_AMBIGUOUS",
            "old and new viewers would show different objects of this file",
            "新旧阅读器会显示不同的对象";
        IntegrityListHolds = "INTEGRITY_LIST_HOLDS",
            "the package has a signed list of its files (GM/T 0099), and nothing else is in it; whether its signer is trusted was not checked",
            "包内防夹带文件(GM/T 0099)签名正确且无夹带文件,未验证其签名人是否受信任";
        IntegrityListWrong = "INTEGRITY_LIST_WRONG",
            "the signed list of the files of the package (GM/T 0099) does not hold",
            "包内防夹带文件(GM/T 0099)验证失败";
        FilesNotListed = "FILES_NOT_LISTED",
            "the signed list of the files of the package does not have these",
            "包内有防夹带文件未列出的文件";
        ListedFilesMissing = "LISTED_FILES_MISSING",
            "the signed list of the files of the package has files that are missing",
            "防夹带文件列出的部分文件缺失";
        IndexUncovered = "INDEX_UNCOVERED",
            "no seal covers these lists of files; what they name is looked at by itself",
            "部分文件清单未受任何签章保护";
        TemplatesUncovered = "TEMPLATES_UNCOVERED",
            "no seal covers these page templates, the printed form behind the content",
            "部分页面模板未受任何签章保护";
        SignerNotValidAtSealing = "SIGNER_NOT_VALID_AT_SEALING",
            "the signer's certificate was not valid at the sealing time",
            "签章时签章人证书不在有效期内";
        CertificateDigestWithZ = "CERTIFICATE_DIGEST_WITH_Z",
            "the seal lists the digest of the signer's certificate with SM2 parameters in front, against the standard",
            "印章中的证书杂凑值计算时加入了SM2参数,不符合标准";
    }
}

/// Whether a reader must know a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Good to know.
    Info,
    /// A reader must know it: the document is *flagged*.
    Warning,
}

impl Severity {
    /// `info` or `warning`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
        }
    }
}

/// Something to know about a seal or a document that changes no verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub code: NoteCode,
    /// Names or values that the code's text speaks of, from the document: not to be trusted as markup.
    pub detail: Option<String>,
}

impl NoteCode {
    /// Whether a reader must know it.
    pub const fn severity(self) -> Severity {
        match self {
            Self::EntriesUncovered
            | Self::ContentUncovered
            | Self::DocumentNotCovered
            | Self::SignatureListMissing
            | Self::SignatureOrphaned
            | Self::SignatureKindDisagrees
            | Self::StampPageUnknown
            | Self::PackageAmbiguous
            | Self::CommentsAdded
            | Self::IntegrityListWrong
            | Self::FilesNotListed
            | Self::ListedFilesMissing
            | Self::SignerNotValidAtSealing
            | Self::CommentsMayCover
            | Self::StampUninvited
            | Self::StampCoversPage
            | Self::FieldLooksOtherwise
            | Self::SignatureNotChecked
            | Self::TimeStampWrong
            | Self::DocumentTimeStampWrong
            | Self::ObjectsAmbiguous => Severity::Warning,
            Self::ContentCoveredByOthers
            | Self::DocumentLocked
            | Self::TimeIsLocal
            | Self::TimeSelfAsserted
            | Self::SignatureValueRaw
            | Self::DataHashWithZ
            | Self::DigestWeak
            | Self::LaterSignatures
            | Self::ValidationDataAdded
            | Self::FormFilled
            | Self::CommentsPermitted
            | Self::DocumentTimeStamp
            | Self::SealTimeStamped
            | Self::SealTimeStampUnconfirmed
            | Self::FileRecovered
            | Self::BytesAfterEnd
            | Self::IntegrityListHolds
            | Self::IndexUncovered
            | Self::TemplatesUncovered
            | Self::CertificateDigestWithZ => Severity::Info,
        }
    }
}

impl Note {
    /// A note that needs no detail.
    pub const fn new(code: NoteCode) -> Self {
        Self { code, detail: None }
    }

    /// A note with the names or values it speaks of.
    pub fn with(code: NoteCode, detail: impl AsRef<str>) -> Self {
        Self { code, detail: Some(shown(detail.as_ref())) }
    }

    /// Whether a reader must know it.
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// The text for a person, with the detail behind a colon.
    pub fn text(&self, language: Language) -> String {
        match &self.detail {
            Some(detail) => format!("{}: {detail}", self.code.text(language)),
            None => self.code.text(language).to_owned(),
        }
    }
}
