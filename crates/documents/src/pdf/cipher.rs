//! The ciphers of encrypted documents: RC4, and AES in CBC mode.

use aes::cipher::consts::U16;
use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, KeyInit};
use aes::{Aes128, Aes256};

pub(super) const BLOCK: usize = 16;

/// AES-CBC with a key of 16 or 32 bytes; the vector is the first block of `data`, and the padding stays. `None` for another
/// length of key.
pub(super) fn decrypt(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    if let Ok(key) = <[u8; 16]>::try_from(key) {
        return Some(cbc_decrypt(&Aes128::new(&Array::from(key)), data));
    }
    let key = <[u8; 32]>::try_from(key).ok()?;
    Some(cbc_decrypt(&Aes256::new(&Array::from(key)), data))
}

/// AES-CBC of `data`, whose length is a multiple of the block, without the vector in front. `None` for another length of key.
pub(super) fn encrypt(key: &[u8], vector: [u8; BLOCK], data: Vec<u8>) -> Option<Vec<u8>> {
    if let Ok(key) = <[u8; 16]>::try_from(key) {
        return Some(cbc_encrypt(&Aes128::new(&Array::from(key)), vector, data));
    }
    let key = <[u8; 32]>::try_from(key).ok()?;
    Some(cbc_encrypt(&Aes256::new(&Array::from(key)), vector, data))
}

fn cbc_encrypt<C>(cipher: &C, mut vector: [u8; BLOCK], mut data: Vec<u8>) -> Vec<u8>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    for chunk in data.chunks_exact_mut(BLOCK) {
        let mut block = Array::from(std::array::from_fn::<u8, BLOCK, _>(|at| chunk[at] ^ vector[at]));
        cipher.encrypt_block(&mut block);
        chunk.copy_from_slice(&block);
        vector.copy_from_slice(&block);
    }
    data
}

/// CBC whose initialization vector is the first block. A last block that is cut short is left out.
fn cbc_decrypt<C>(cipher: &C, data: &[u8]) -> Vec<u8>
where
    C: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16>,
{
    let mut output = Vec::with_capacity(data.len());
    let mut blocks = data.chunks_exact(BLOCK);
    let mut vector = blocks.next().unwrap_or(&[0; BLOCK]);
    for chunk in blocks {
        let mut block = Array::from(std::array::from_fn::<u8, BLOCK, _>(|at| chunk[at]));
        cipher.decrypt_block(&mut block);
        output.extend(block.iter().zip(vector).map(|(byte, before)| byte ^ before));
        vector = chunk;
    }
    output
}

/// PKCS #7 padding: always at least one byte (ISO 32000-1 §7.6.2).
pub(super) fn pad(data: &[u8]) -> Vec<u8> {
    let count = BLOCK - data.len() % BLOCK;
    let mut padded = data.to_vec();
    padded.resize(data.len() + count, count as u8);
    padded
}

pub(super) fn unpad(mut data: Vec<u8>) -> Vec<u8> {
    if let Some(&count) = data.last()
        && (1..=BLOCK).contains(&usize::from(count))
    {
        data.truncate(data.len() - usize::from(count));
    }
    data
}

pub(super) fn rc4(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut state: [u8; 256] = std::array::from_fn(|at| at as u8);
    let mut j = 0_u8;
    for i in 0..256 {
        let byte = key.get(i % key.len().max(1)).copied().unwrap_or_default();
        j = j.wrapping_add(state[i]).wrapping_add(byte);
        state.swap(i, usize::from(j));
    }
    let (mut i, mut j) = (0_u8, 0_u8);
    data.iter()
        .map(|byte| {
            i = i.wrapping_add(1);
            j = j.wrapping_add(state[usize::from(i)]);
            state.swap(usize::from(i), usize::from(j));
            byte ^ state[usize::from(state[usize::from(i)].wrapping_add(state[usize::from(j)]))]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rc4_gives_the_published_values() {
        // RFC 6229 uses keystreams; these are the well-known ones of the original posting.
        assert_eq!(hex::encode(rc4(b"Key", b"Plaintext")), "bbf316e8d940af0ad3");
        assert_eq!(hex::encode(rc4(b"Wiki", b"pedia")), "1021bf0420");
    }

    #[test]
    fn cbc_gives_the_published_value_and_comes_back() {
        // NIST SP 800-38A F.2.1, the first block.
        let key = hex::decode("2b7e151628aed2a6abf7158809cf4f3c").expect("hexadecimal");
        let vector = std::array::from_fn(|at| at as u8);
        let plain = hex::decode("6bc1bee22e409f96e93d7e117393172a").expect("hexadecimal");
        let encrypted = encrypt(&key, vector, plain).expect("a key");
        assert_eq!(hex::encode(&encrypted), "7649abac8119b246cee98e9b12e9197d");
        for length in [0, 1, 15, 16, 17] {
            let plain = vec![7; length];
            for key in [&[3; 16][..], &[3; 32]] {
                let encrypted = encrypt(key, vector, pad(&plain)).expect("a key");
                let back = decrypt(key, &[&vector[..], &encrypted].concat()).expect("a key");
                assert_eq!(unpad(back), plain, "{length}");
            }
        }
    }
}
