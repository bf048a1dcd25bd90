//! Leaves: byte streams of a size that the reader knows, stored or compressed.
//!
//! ```text
//! u8 codec    0 stored: as many bytes as the reader expects
//!             1 zstd:   varint size, then that many bytes of one frame without its magic
//!             2 filled: one byte, which is every byte of the stream
//! ```

use std::borrow::Cow;

use super::{Decoder, varint};
use crate::bytes::ByteReader;
use crate::error::{Error, Result};

const STORED: u8 = 0;
const ZSTD: u8 = 1;
const FILLED: u8 = 2;

/// Reads a stream of exactly `size` bytes.
pub fn read<'a>(reader: &mut ByteReader<'a>, size: usize, decoder: &mut Decoder) -> Result<Cow<'a, [u8]>> {
    decoder.check_count(size, 1)?;
    match reader.u8()? {
        STORED => reader.take(size).map(Cow::Borrowed),
        ZSTD => {
            let stored = varint::read_count(reader)?;
            decoder.zstd.decompress_magicless(reader.take(stored)?, size).map(Cow::Owned)
        }
        FILLED => Ok(Cow::Owned(vec![reader.u8()?; size])),
        codec => Err(Error::corrupt(format!("unknown codec {codec} of a stream (known: 0 stored, 1 zstd, 2 filled)"))),
    }
}

/// Streams below this size are not worth a frame.
#[cfg(feature = "writer")]
const MIN_COMPRESSED: usize = 24;

/// Writes a stream, compressed where that saves at least 3 %.
#[cfg(feature = "writer")]
pub fn write(bytes: &[u8], encoder: &mut super::Encoder, out: &mut Vec<u8>) {
    encoder.node(
        || xxhash_rust::xxh3::xxh3_64(bytes),
        out,
        |encoder, out| {
            let start = out.len();
            write_stream(bytes, encoder, out);
            encoder.spend(out.len() - start);
        },
    );
}

#[cfg(feature = "writer")]
fn write_stream(bytes: &[u8], encoder: &mut super::Encoder, out: &mut Vec<u8>) {
    if let Some((&first, rest)) = bytes.split_first()
        && rest.iter().all(|&byte| byte == first)
    {
        out.extend([FILLED, first]);
        return;
    }
    let frame = if bytes.len() < MIN_COMPRESSED { None } else { encoder.frame(bytes) };
    match frame {
        Some(frame) if frame.len() + frame.len() / 32 + 4 < bytes.len() => {
            out.push(ZSTD);
            varint::write_count(frame.len(), out);
            out.extend_from_slice(frame);
        }
        _ => {
            out.push(STORED);
            out.extend_from_slice(bytes);
        }
    }
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::*;
    use crate::encoding::Encoder;

    #[test]
    fn streams_round_trip_and_cuts_are_errors() {
        let mut encoder = Encoder::new(Some(3)).unwrap();
        let noise: Vec<u8> = (0..999u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for bytes in [vec![], vec![5], vec![7; 100], noise, b"abcabcabc".repeat(50), vec![1, 2]] {
            let mut out = Vec::new();
            write(&bytes, &mut encoder, &mut out);
            let mut decoder = Decoder::new(1 << 20);
            assert_eq!(read(&mut ByteReader::new(&out, 0), bytes.len(), &mut decoder).unwrap(), bytes);
            for end in 0..out.len() {
                assert!(read(&mut ByteReader::new(&out[..end], 0), bytes.len(), &mut decoder).is_err());
            }
        }
        assert!(read(&mut ByteReader::new(&[2, 0], 0), 1 << 21, &mut Decoder::new(1 << 20)).is_err());
    }
}
