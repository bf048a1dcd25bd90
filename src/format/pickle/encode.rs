//! The pickles that this crate writes: protocol 4, always the same bytes for the same column.
//!
//! Globals have the names of numpy 1, which numpy 2 knows too. There are no frames, and only what is used twice
//! is in the memo; every Python since 3.4 loads that.

use crate::column::{Column, Values};
use crate::decimal;
use crate::error::{Error, Result};
use crate::schema::TimeUnit;

/// Objects that one APPENDS adds, as in Python.
const BATCH_SIZE: usize = 1000;

const NAT: i64 = i64::MIN;

/// Pickles a column as the Python writer would, given numpy arrays.
///
/// Booleans become an array of `bool`, or of objects where some are null. Dates and timestamps become
/// `datetime64` in their unit, nulls NaT. Decimals become `decimal.Decimal` and binary values `bytes`, nulls `None`.
/// Not stored: whether timestamps are UTC, and the precision of decimals.
///
/// # Errors
/// `unsupported-feature` for the other types, `type-mismatch` for the timestamp that is numpy's NaT.
pub fn encode(column: &Column) -> Result<Vec<u8>> {
    let mut pickle = Pickle { out: vec![0x80, 4] };
    let rows = column.len();
    match column.values() {
        Values::Boolean(bits) if column.validity().is_none() => pickle.array(rows, "b1", None, |pickle| {
            pickle.bytes(&bits.iter().map(u8::from).collect::<Vec<_>>());
        }),
        Values::Boolean(bits) => pickle.objects(column, |pickle, row| {
            pickle.out.push(if bits.get(row) { 0x88 } else { 0x89 });
        }),
        Values::Date(days) => {
            let counts = days.iter().map(|&days| i64::from(days));
            pickle.times(column, "D", counts);
        }
        Values::Timestamp { unit, values, .. } => {
            let nat = |(row, &count): (usize, &i64)| count == NAT && column.is_valid(row);
            if let Some(row) = values.iter().enumerate().position(nat) {
                let found = format!("{NAT} in row {row}, which is numpy's null");
                return Err(Error::type_mismatch("timestamps above the least 64-bit integer", found));
            }
            pickle.times(column, TimeUnit::as_str(*unit), values.iter().copied());
        }
        Values::Binary(values) => pickle.objects(column, |pickle, row| pickle.bytes(values.get(row))),
        Values::Decimal { scale, values, .. } => {
            let mut known = false;
            pickle.objects(column, |pickle, row| {
                if known {
                    // BINGET of what the first decimal put into the memo
                    pickle.out.extend(b"h\0");
                } else {
                    pickle.global("decimal", "Decimal");
                    pickle.out.push(0x94);
                    known = true;
                }
                let unscaled = values.get(row).copied().unwrap_or_default();
                pickle.text(&decimal::format(unscaled, *scale));
                pickle.out.extend(b"\x85R");
            });
        }
        other => {
            return Err(Error::unsupported(format!("{} as a pickled column", other.data_type().as_str())));
        }
    }
    pickle.out.push(b'.');
    Ok(pickle.out)
}

struct Pickle {
    out: Vec<u8>,
}

impl Pickle {
    /// SHORT_BINUNICODE; names and numbers are shorter than 256 bytes.
    fn text(&mut self, text: &str) {
        self.out.extend([0x8c, u8::try_from(text.len()).unwrap_or(u8::MAX)]);
        self.out.extend(text.as_bytes());
    }

    fn global(&mut self, module: &str, name: &str) {
        self.text(module);
        self.text(name);
        self.out.push(0x93);
    }

    /// SHORT_BINBYTES, BINBYTES or BINBYTES8.
    fn bytes(&mut self, bytes: &[u8]) {
        let length = bytes.len() as u64;
        if let Ok(length) = u8::try_from(length) {
            self.out.extend([b'C', length]);
        } else if let Ok(length) = u32::try_from(length) {
            self.out.push(b'B');
            self.out.extend(length.to_le_bytes());
        } else {
            self.out.push(0x8e);
            self.out.extend(length.to_le_bytes());
        }
        self.out.extend(bytes);
    }

    /// BININT1, BININT2, BININT or LONG1.
    fn int(&mut self, value: i64) {
        if let Ok(value) = u8::try_from(value) {
            self.out.extend([b'K', value]);
        } else if let Ok(value) = u16::try_from(value) {
            self.out.push(b'M');
            self.out.extend(value.to_le_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.out.push(b'J');
            self.out.extend(value.to_le_bytes());
        } else {
            self.out.extend([0x8a, 8]);
            self.out.extend(value.to_le_bytes());
        }
    }

    /// An array of `rows` elements of a dtype, with the unit of times, around what `data` writes.
    fn array(&mut self, rows: usize, code: &str, unit: Option<&str>, data: impl FnOnce(&mut Self)) {
        self.global("numpy.core.multiarray", "_reconstruct");
        self.global("numpy", "ndarray");
        self.out.extend(b"K\0\x85C\x01b\x87R");
        self.out.extend(b"(K\x01");
        self.int(rows as i64);
        self.out.push(0x85);

        self.global("numpy", "dtype");
        self.text(code);
        self.out.extend(b"\x89\x88\x87R(");
        self.int(if unit.is_some() { 4 } else { 3 });
        self.text(if unit.is_some() { "<" } else { "|" });
        self.out.extend(b"NNN");
        self.int(-1);
        self.int(-1);
        // Flags: every object dtype of numpy has these six.
        self.int(if code == "O8" { 63 } else { 0 });
        if let Some(unit) = unit {
            self.out.extend(b"}(");
            self.bytes(unit.as_bytes());
            self.out.extend(b"K\x01K\x01K\x01t\x86");
        }
        self.out.extend(b"tb\x89");

        data(self);
        self.out.extend(b"tb");
    }

    fn times(&mut self, column: &Column, unit: &str, counts: impl Iterator<Item = i64>) {
        let mut raw = Vec::with_capacity(column.len() * 8);
        for (row, count) in counts.enumerate() {
            let count = if column.is_valid(row) { count } else { NAT };
            raw.extend(count.to_le_bytes());
        }
        self.array(column.len(), "M8", Some(unit), |pickle| pickle.bytes(&raw));
    }

    /// An array of objects: `None` for nulls, what `object` writes for the others.
    fn objects(&mut self, column: &Column, mut object: impl FnMut(&mut Self, usize)) {
        let rows = column.len();
        self.array(rows, "O8", None, |pickle| {
            pickle.out.push(b']');
            for start in (0..rows).step_by(BATCH_SIZE) {
                let batch = start..rows.min(start + BATCH_SIZE);
                let single = batch.len() == 1;
                if !single {
                    pickle.out.push(b'(');
                }
                for row in batch {
                    if column.is_valid(row) {
                        object(pickle, row);
                    } else {
                        pickle.out.push(b'N');
                    }
                }
                pickle.out.push(if single { b'a' } else { b'e' });
            }
        });
    }
}
