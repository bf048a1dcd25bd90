//! The header of a neural chunk: how values are symbols, and which model codes them.
//!
//! ```text
//! u8 nulls                      0 none, 1 validity is coded
//! source                        u8 and parameters (transform.rs); scaled floats: varint exceptions
//! form                          u8 0 offsets: varint base (signed), varint divisor, u8 bits
//!                               u8 1 ranks: varint count
//!                               u8 2 direct: varint bytes of all text
//! u8 kind                       0 codes, 1 numbers
//! u8 guesses                    values tried before the tree
//! u8 table bits                 logarithm of the number of buckets
//! varint bytes of the entries   ranks of text
//! linear                        numbers: linear.rs; where there are terms, u8 exponent per parent
//! ```

use super::linear::Linear;
use super::symbols::{Kind, MAX_GUESSES, MAX_PARENTS};
use super::transform::Source;
use crate::bytes::ByteReader;
use crate::encoding::float::power_of_ten;
use crate::encoding::varint;
use crate::error::{Error, Result};

/// Logarithms that the number of hashed buckets may have; a bucket has 64 bytes.
pub const MIN_TABLE_BITS: u8 = 8;
pub const MAX_TABLE_BITS: u8 = 19;
/// The same of the model of a dictionary's text, at most.
const MAX_DICTIONARY_TABLE_BITS: u8 = 16;

/// How symbols stand for values.
#[derive(Clone, Debug)]
pub enum Form {
    /// `value = base + divisor x symbol`.
    Offsets { base: i64, divisor: u64, bits: u8 },
    /// The symbol is the position in a sorted list, which comes first.
    Ranks { count: u64 },
    /// Text, byte by byte, with that many bytes in all.
    Direct { size: u64 },
}

/// What the header of a chunk says.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Whether validity is coded.
    pub nulls: bool,
    /// How values became integers or text.
    pub source: Source,
    /// Floats that come back otherwise.
    pub exceptions: u64,
    /// How those are symbols.
    pub form: Form,
    /// The model of the symbols.
    pub kind: Kind,
    /// Values tried before the tree.
    pub guesses: u8,
    /// Logarithm of the number of buckets.
    pub table_bits: u8,
    /// Bytes of the entries of a dictionary of text.
    pub dictionary_size: u64,
    /// Prediction from the parents' numbers.
    pub linear: Linear,
    /// Powers of ten that the parents' floats are multiplied by.
    pub exponents: [u8; MAX_PARENTS],
}

impl Plan {
    pub fn read(reader: &mut ByteReader<'_>, num_parents: usize) -> Result<Self> {
        let nulls = match reader.u8()? {
            0 => false,
            1 => true,
            other => return Err(Error::corrupt(format!("neural chunk with validity in form {other}"))),
        };
        let source = Source::read(reader)?;
        let exceptions = if matches!(source, Source::Scaled(_)) { varint::read(reader)? } else { 0 };
        let form = match reader.u8()? {
            0 => {
                Form::Offsets { base: varint::read_signed(reader)?, divisor: varint::read(reader)?, bits: reader.u8()? }
            }
            1 => Form::Ranks { count: varint::read(reader)? },
            2 => Form::Direct { size: varint::read(reader)? },
            other => return Err(Error::corrupt(format!("neural chunk with symbols in form {other}"))),
        };
        if let Form::Offsets { bits, .. } = form
            && bits > 64
        {
            return Err(Error::corrupt(format!("neural chunk with symbols of {bits} bits")));
        }
        let kind = match reader.u8()? {
            0 => Kind::Codes,
            1 => Kind::Numbers,
            other => return Err(Error::corrupt(format!("neural chunk with model {other}"))),
        };
        let guesses = reader.u8()?;
        if usize::from(guesses) > MAX_GUESSES {
            return Err(Error::corrupt(format!("neural chunk with {guesses} guesses")));
        }
        let table_bits = reader.u8()?;
        if !(MIN_TABLE_BITS..=MAX_TABLE_BITS).contains(&table_bits) {
            return Err(Error::corrupt(format!(
                "neural chunk with 2^{table_bits} buckets (2^{MIN_TABLE_BITS} to 2^{MAX_TABLE_BITS})"
            )));
        }
        let dictionary_size =
            if source == Source::Text && matches!(form, Form::Ranks { .. }) { varint::read(reader)? } else { 0 };
        let mut exponents = [0; MAX_PARENTS];
        let linear = if kind == Kind::Numbers { Linear::read(reader, num_parents)? } else { Linear::default() };
        if !linear.terms.is_empty() {
            for exponent in exponents.iter_mut().take(num_parents) {
                *exponent = reader.u8()?;
                if power_of_ten(*exponent).is_none() {
                    return Err(Error::corrupt(format!("parent scaled by 10^{exponent} (at most 22)")));
                }
            }
        }
        Ok(Plan { nulls, source, exceptions, form, kind, guesses, table_bits, dictionary_size, linear, exponents })
    }

    /// Logarithm of the number of buckets of the model of a dictionary's text.
    pub fn dictionary_table_bits(&self) -> u8 {
        self.table_bits.min(MAX_DICTIONARY_TABLE_BITS)
    }

    #[cfg(feature = "writer")]
    pub fn write(&self, num_parents: usize, out: &mut Vec<u8>) {
        out.push(u8::from(self.nulls));
        self.source.write(out);
        if matches!(self.source, Source::Scaled(_)) {
            varint::write(self.exceptions, out);
        }
        match self.form {
            Form::Offsets { base, divisor, bits } => {
                out.push(0);
                varint::write_signed(base, out);
                varint::write(divisor, out);
                out.push(bits);
            }
            Form::Ranks { count } => {
                out.push(1);
                varint::write(count, out);
            }
            Form::Direct { size } => {
                out.push(2);
                varint::write(size, out);
            }
        }
        out.push(u8::from(self.kind == Kind::Numbers));
        out.push(self.guesses);
        out.push(self.table_bits);
        if self.source == Source::Text && matches!(self.form, Form::Ranks { .. }) {
            varint::write(self.dictionary_size, out);
        }
        if self.kind == Kind::Numbers {
            self.linear.write(out);
            if !self.linear.terms.is_empty() {
                out.extend(self.exponents.iter().take(num_parents));
            }
        }
    }
}
