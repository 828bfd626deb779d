//! The technical checks of a seal, in the order in which their failures count.

use crate::codes::codes;

codes! {
    /// One technical check. The order of the variants is the order of GB/T 38540-2020 7.3.
    pub enum Check {
        SignatureFormat = "SIGNATURE_FORMAT",
            "the signature and its files are well-formed",
            "签名格式正确";
        SealFormat = "SEAL_FORMAT",
            "the electronic seal is well-formed",
            "电子印章数据格式正确";
        SignatureValue = "SIGNATURE_VALUE",
            "the signature value verifies with the signer's key",
            "签名值正确";
        SignerInSeal = "SIGNER_IN_SEAL",
            "the signer's certificate is in the seal's list",
            "签章人证书在印章证书列表中";
        SealMakerSignature = "SEAL_MAKER_SIGNATURE",
            "the maker's signature over the seal verifies",
            "制章人签名正确";
        SealMakerChain = "SEAL_MAKER_CHAIN",
            "the maker's certificate leads to a trusted maker root",
            "制章人证书可追溯到受信任的制章根证书";
        SealCopy = "SEAL_COPY",
            "Seal.esl equals the seal in the signature",
            "Seal.esl与签名中的电子印章一致";
        SealingTime = "SEALING_TIME",
            "the sealing time lies in the seal's validity",
            "签章时间在印章有效期内";
        SignerChain = "SIGNER_CHAIN",
            "the signer's certificate leads to a trusted root",
            "签章人证书可追溯到受信任的根证书";
        SignerKeyUsage = "SIGNER_KEY_USAGE",
            "the key usage of the signer's certificate allows signing",
            "签章人证书的密钥用途允许签名";
        SignerValidity = "SIGNER_VALIDITY",
            "the sealing time lies in the validity of the signer's certificate",
            "签章时间在签章人证书有效期内";
        References = "REFERENCES",
            "every protected file has the digest that the signature states",
            "所保护文件的杂凑值一致";
        ByteRange = "BYTE_RANGE",
            "the signed byte ranges are the whole document of their time, save the signature value",
            "签名字节范围覆盖签章时的全部文档";
        DataHash = "DATA_HASH",
            "the signed digest is that of the protected data",
            "原文杂凑值一致";
        LaterChanges = "LATER_CHANGES",
            "nothing but permitted changes came after",
            "签章后仅有允许的修改";
        TimeStamp = "TIME_STAMP",
            "the time stamp over the signature verifies",
            "时间戳正确";
    }
}
