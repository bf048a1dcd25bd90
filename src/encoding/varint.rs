//! LEB128 variable-length integers, and zigzag for signed ones.

use crate::bytes::{ByteReader, to_usize};
use crate::error::{Error, Result};

/// Reads an unsigned integer of at most ten bytes.
pub fn read(reader: &mut ByteReader<'_>) -> Result<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = reader.u8()?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(Error::corrupt("variable-length integer of more than 64 bits"))
}

/// Reads a count of things in memory.
pub fn read_count(reader: &mut ByteReader<'_>) -> Result<usize> {
    to_usize(read(reader)?, "values of one column chunk")
}

/// Reads a signed integer.
pub fn read_signed(reader: &mut ByteReader<'_>) -> Result<i64> {
    let value = read(reader)?;
    Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

/// Writes an unsigned integer.
#[cfg(feature = "writer")]
pub fn write(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f).to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Writes a count.
#[cfg(feature = "writer")]
pub fn write_count(value: usize, out: &mut Vec<u8>) {
    write(crate::bytes::to_u64(value), out);
}

/// Writes a signed integer.
#[cfg(feature = "writer")]
pub fn write_signed(value: i64, out: &mut Vec<u8>) {
    write(((value << 1) ^ (value >> 63)).cast_unsigned(), out);
}

/// Writes positions for [`read_list`].
#[cfg(feature = "writer")]
pub fn write_list(positions: &[usize], out: &mut Vec<u8>) {
    write_count(positions.len(), out);
    positions.iter().for_each(|&position| write_count(position, out));
}

/// Reads positions.
#[cfg(feature = "writer")]
pub fn read_list(reader: &mut ByteReader<'_>) -> Result<Vec<usize>> {
    let count = read_count(reader)?;
    (0..count).map(|_| read_count(reader)).collect()
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::*;

    #[test]
    fn round_trips_at_every_length() {
        for value in (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit, (1 << bit) + 1]).chain([u64::MAX]) {
            let mut out = Vec::new();
            write(value, &mut out);
            assert_eq!(read(&mut ByteReader::new(&out, 0)).unwrap(), value);
            let signed = value.cast_signed();
            out.clear();
            write_signed(signed, &mut out);
            assert_eq!(read_signed(&mut ByteReader::new(&out, 0)).unwrap(), signed);
        }
        assert!(read(&mut ByteReader::new(&[0xff; 10], 0)).is_err());
        assert!(read(&mut ByteReader::new(&[0x80], 0)).is_err());
    }
}
