//! Templates: the constant parts of regular text once, the runs of digits between them as integers.
//!
//! ```text
//! varint templates       1 to 64
//! per template:          varint fields (1 to 16), fields + 1 literals (varint length, bytes),
//!                        a u8 per field: 0 free (no leading zeros), else its fixed width (1 to 18 digits)
//! varint others          values that follow no template
//! node of codes          of `count` integers: 0 other, k template k - 1; missing where all follow the one template
//! node of text           the others, where there are any
//! per template, field:   node of its integers
//! ```
//! Best for keys (`User_123`), e-mail addresses, dates, times, codes written as text.

use std::ops::Range;

use super::super::{Decoder, integer, varint};
use super::{Builder, Piece, ROOM};
use crate::bytes::ByteReader;
use crate::column::VarBytes;
use crate::error::{Error, Result};

const MAX_TEMPLATES: usize = 64;
const MAX_FIELDS: usize = 16;
/// Digits that always fit an integer.
const MAX_WIDTH: u8 = 18;
/// Digits of the largest integer.
const MAX_DIGITS: usize = 20;

/// Rows that are written field by field, few enough to stay near the processor: at most so many, and so many bytes.
const ROWS_AT_ONCE: usize = 256;
const BYTES_AT_ONCE: usize = 1 << 14;
/// Fewer rows than this are not worth it.
const MIN_ROWS: usize = 8;

/// Digits that are made at once.
const WORD: usize = 8;
/// One more than the largest number of so many digits.
const WORD_END: u64 = 100_000_000;

/// Constant parts, and the widths of the fields between them.
struct Template {
    literals: Vec<Piece>,
    widths: Vec<u8>,
    /// The widths that fields had last, those of free fields by their numbers.
    fixed: Fixed,
}

/// Text whose fields all have a width: only the digits change from value to value.
struct Fixed {
    widths: Vec<u8>,
    /// The value that was last.
    text: Vec<u8>,
    fields: Vec<Field>,
}

/// A field of fixed width, and where it starts.
#[derive(Clone, Copy)]
struct Field {
    start: usize,
    width: usize,
    /// Numbers are below it.
    end: u64,
}

impl Field {
    /// Writes the numbers of values that follow each other, of so many bytes each.
    fn put(self, numbers: &[u64], text: &mut [u8], stride: usize) -> Result<()> {
        if let Some(number) = numbers.iter().find(|&&number| number >= self.end) {
            return Err(Error::corrupt(format!("{number} in a field of {} digits", self.width)));
        }
        let text = text.get_mut(self.start..).unwrap_or_default();
        if self.width == 2 {
            // Months, days, hours and minutes.
            for (to, &number) in text.chunks_mut(stride).zip(numbers) {
                let tens = (low(number) * 103) >> 10;
                let [tens, ones] = [tens, low(number) - 10 * tens].map(|digit| digit.to_le_bytes()[0]);
                to.first_chunk_mut().into_iter().for_each(|two| *two = [b'0' + tens, b'0' + ones]);
            }
            return Ok(());
        }
        if self.width > WORD {
            for (at, &number) in (0..text.len()).step_by(stride).zip(numbers) {
                put_digits(text.get_mut(at..).unwrap_or_default(), number, self.width);
            }
            return Ok(());
        }
        // Numbers that count up differ from the one before in the last digit, mostly.
        let (mut tens, mut digits) = (0, 0);
        for (at, &number) in (0..text.len()).step_by(stride).zip(numbers) {
            let mut ones = low(number).wrapping_sub(tens);
            if ones >= 10 {
                digits = word_of_digits(low(number));
                ones = u32::from(digits.to_le_bytes()[WORD - 1]);
                (tens, digits) = (low(number) - ones, digits & (u64::MAX >> 8));
            }
            put_word(text.get_mut(at..).unwrap_or_default(), digits | u64::from(ones) << 56, self.width);
        }
        Ok(())
    }
}

impl Fixed {
    fn new(literals: &[Piece], widths: &[u8]) -> Fixed {
        let mut text = literals.first().map(|literal| literal.text.clone()).unwrap_or_default();
        let mut fields = Vec::new();
        for (&width, literal) in widths.iter().zip(literals.iter().skip(1)) {
            let end = 10u64.pow(u32::from(width));
            let (start, width) = (text.len(), usize::from(width));
            text.resize(start + width, b'0');
            fields.push(Field { start, width, end });
            text.extend_from_slice(&literal.text);
        }
        Fixed { widths: widths.to_vec(), text, fields }
    }

    /// Adds values whose numbers are in these rows of the columns, field by field.
    fn write(&mut self, columns: &[Vec<u64>], rows: Range<usize>, builder: &mut Builder) -> Result<()> {
        let mut changing = Vec::new();
        for (column, &field) in columns.iter().zip(&self.fields) {
            let numbers = column.get(rows.clone()).unwrap_or_default();
            let Some((&first, _)) = numbers.split_first() else { return Ok(()) };
            // Most fields of dates and times stay the same for many rows.
            if numbers.iter().fold(0, |bits, &number| bits | (number ^ first)) == 0 {
                field.put(&[first], &mut self.text, usize::MAX)?;
            } else {
                changing.push((field, numbers));
            }
        }
        let (start, len) = (builder.len, self.text.len());
        builder.repeat(&self.text, rows.len())?;
        let text = builder.bytes.get_mut(start..).unwrap_or_default();
        changing.iter().try_for_each(|(field, numbers)| field.put(numbers, text, len))
    }
}

impl Template {
    fn read(reader: &mut ByteReader<'_>) -> Result<Template> {
        let fields = varint::read_count(reader)?;
        if !(1..=MAX_FIELDS).contains(&fields) {
            return Err(Error::corrupt(format!("template of {fields} fields")));
        }
        let mut literals = Vec::new();
        for _ in 0..=fields {
            let length = varint::read_count(reader)?;
            literals.push(Piece::new(reader.take(length)?));
        }
        let widths = reader.take(fields)?.to_vec();
        if widths.iter().any(|&width| width > MAX_WIDTH) {
            return Err(Error::corrupt("template field of more than 18 digits"));
        }
        let fixed = Fixed::new(&literals, &widths);
        Ok(Template { literals, widths, fixed })
    }

    /// Adds values whose numbers are in these rows of the columns.
    fn write(&mut self, columns: &[Vec<u64>], rows: Range<usize>, builder: &mut Builder) -> Result<()> {
        let literals: usize = self.literals.iter().map(|literal| literal.text.len()).sum();
        let digits: usize = self.widths.iter().map(|&width| if width == 0 { MAX_DIGITS } else { width.into() }).sum();
        let most = literals + digits;
        let step = (BYTES_AT_ONCE / most).clamp(1, ROWS_AT_ONCE);
        let is_long = rows.len() >= MIN_ROWS;
        for start in rows.clone().step_by(step) {
            let part = start..(start + step).min(rows.end);
            if is_long && self.fix(columns, &part) {
                self.fixed.write(columns, part, builder)?;
            } else {
                builder
                    .extend_values(part.len(), most, |index, text| self.write_value(columns, start + index, text))?;
            }
        }
        Ok(())
    }

    /// Finds the width of every field in these rows, and whether each has one.
    fn fix(&mut self, columns: &[Vec<u64>], rows: &Range<usize>) -> bool {
        let mut widths = [0; MAX_FIELDS];
        for ((to, &width), column) in widths.iter_mut().zip(&self.widths).zip(columns) {
            *to = if width > 0 { width } else { common_width(column.get(rows.clone()).unwrap_or_default()) };
            if *to == 0 {
                return false;
            }
        }
        let widths = widths.get(..self.widths.len()).unwrap_or_default();
        if self.fixed.widths != widths {
            self.fixed = Fixed::new(&self.literals, widths);
        }
        true
    }

    /// Writes one value to the start of a text with room for it, and says how long it is.
    #[inline]
    fn write_value(&self, columns: &[Vec<u64>], row: usize, text: &mut [u8]) -> Result<usize> {
        let Some((first, literals)) = self.literals.split_first() else { return Ok(0) };
        first.put(text);
        let mut len = first.text.len();
        for ((&width, column), literal) in self.widths.iter().zip(columns).zip(literals) {
            let number = column.get(row).copied().unwrap_or_default();
            len += put_number(text.get_mut(len..).unwrap_or_default(), number, usize::from(width))?;
            literal.put(text.get_mut(len..).unwrap_or_default());
            len += literal.text.len();
        }
        Ok(len)
    }
}

#[inline(never)]
pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<VarBytes> {
    let number = varint::read_count(reader)?;
    if !(1..=MAX_TEMPLATES).contains(&number) {
        return Err(Error::corrupt(format!("{number} templates")));
    }
    let mut templates: Vec<Template> = (0..number).map(|_| Template::read(reader)).collect::<Result<_>>()?;
    let others = varint::read_count(reader)?;
    if others > count {
        return Err(Error::corrupt(format!("{others} other values of {count}")));
    }
    let codes = match (number, others) {
        (1, 0) => None,
        _ => Some(integer::decode(reader, count, decoder)?),
    };
    let mut uses = vec![0usize; number + 1];
    match &codes {
        None => uses.iter_mut().skip(1).for_each(|uses| *uses = count),
        Some(codes) => {
            for &code in codes {
                let slot = usize::try_from(code).ok().and_then(|code| uses.get_mut(code));
                *slot.ok_or_else(|| Error::corrupt(format!("template {code} of {number}")))? += 1;
            }
        }
    }
    if uses.first() != Some(&others) {
        return Err(Error::corrupt(format!("{others} other values, but not as many codes of them")));
    }
    let rest = if others == 0 { VarBytes::default() } else { super::decode(reader, others, decoder)? };
    let mut fields: Vec<Vec<Vec<u64>>> = Vec::new();
    for (template, &uses) in templates.iter().zip(uses.iter().skip(1)) {
        let columns = template.widths.iter().map(|_| integer::decode(reader, uses, decoder));
        fields.push(columns.collect::<Result<_>>()?);
    }
    let mut builder = Builder::new(count, decoder);
    let Some(codes) = codes else {
        for (template, fields) in templates.iter_mut().zip(&fields) {
            // The last value is as long as most, or longer.
            let is_known = template.fix(fields, &(count.saturating_sub(1)..count));
            let len = if is_known { template.fixed.text.len() } else { 0 };
            builder.reserve(len.saturating_mul(count).saturating_add(ROOM))?;
            template.write(fields, 0..count, &mut builder)?;
        }
        return builder.finish();
    };
    let mut rest = rest.iter();
    // Rows of each template that were written.
    let mut written = vec![0usize; number];
    for run in codes.chunk_by(|a, b| a == b) {
        let at = run.first().and_then(|&code| usize::try_from(code).ok()?.checked_sub(1));
        match at.and_then(|at| Some((templates.get_mut(at)?, fields.get(at)?, written.get_mut(at)?))) {
            Some((template, columns, written)) => {
                let start = *written;
                *written += run.len();
                template.write(columns, start..*written, &mut builder)?;
            }
            None => {
                for value in rest.by_ref().take(run.len()) {
                    builder.extend(value)?;
                    builder.end();
                }
            }
        }
    }
    builder.finish()
}

/// How many digits numbers have, of which there are so many in all of them and no more than a field has; else 0.
fn common_width(numbers: &[u64]) -> u8 {
    let Some(&first) = numbers.first() else { return 0 };
    let Ok(width) = u8::try_from(digits_of(first)) else { return 0 };
    let (start, end) = match width {
        1 => (0, 10),
        2..=MAX_WIDTH => (10u64.pow(u32::from(width) - 1), 10u64.pow(width.into())),
        _ => return 0,
    };
    let beyond = numbers.iter().fold(false, |beyond, &number| beyond | (number < start) | (number >= end));
    if beyond { 0 } else { width }
}

/// How many digits a number has.
fn digits_of(number: u64) -> usize {
    usize::try_from(number.checked_ilog10().unwrap_or(0)).unwrap_or(0) + 1
}

/// The decimal digits of a number below 10^8, zeros in front: the first digit in the lowest byte. Each step splits the
/// numbers in all lanes of the word at once.
fn word_of_digits(number: u32) -> u64 {
    let fours = u64::from(number / 10_000) | u64::from(number % 10_000) << 32;
    let hundreds = ((fours * 10_486) >> 20) & 0x7f_0000_007f;
    let twos = hundreds | (fours - 100 * hundreds) << 16;
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (twos - 10 * tens) << 8
}

/// The last `width` of such digits, 1 to 8, as text.
fn as_text(digits: u64, width: usize) -> u64 {
    (digits | u64::from_le_bytes([b'0'; WORD])) >> (8 * (WORD - width))
}

/// The lowest 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "numbers are below 10^8 where this is used")]
fn low(number: u64) -> u32 {
    number as u32
}

/// Writes the last `width` digits of a number, 1 at least, to the start of a text.
#[inline(never)]
fn put_digits(text: &mut [u8], number: u64, width: usize) {
    let (mut left, mut width) = (number, width);
    while width > WORD {
        width -= WORD;
        put_word(text.get_mut(width..).unwrap_or_default(), word_of_digits(low(left % WORD_END)), WORD);
        left /= WORD_END;
    }
    put_word(text, word_of_digits(low(left)), width);
}

/// Writes the last `width` of such digits, 1 to 8, to the start of a text.
#[inline]
fn put_word(text: &mut [u8], digits: u64, width: usize) {
    let word = as_text(digits, width);
    match text.first_chunk_mut() {
        Some(to) => {
            let behind = u64::from_le_bytes(*to) & !(u64::MAX >> (8 * (WORD - width)));
            *to = (behind | word).to_le_bytes();
        }
        None => text.iter_mut().zip(word.to_le_bytes()).take(width).for_each(|(to, digit)| *to = digit),
    }
}

/// Writes decimal digits, padded with zeros to the width, if it is not 0, and says how many there are.
#[inline]
fn put_number(text: &mut [u8], number: u64, width: usize) -> Result<usize> {
    if number < WORD_END && width <= WORD {
        let digits = word_of_digits(low(number));
        // The last digit counts, whatever it is.
        let used = WORD - usize::try_from((digits | 1 << 56).trailing_zeros() / 8).unwrap_or(0);
        let shown = used.max(width);
        if let (Some(to), true) = (text.first_chunk_mut(), width == 0 || shown == width) {
            *to = as_text(digits, shown).to_le_bytes();
            return Ok(shown);
        }
    }
    let used = digits_of(number);
    if width > 0 && used > width {
        return Err(Error::corrupt(format!("{number} in a field of {width} digits")));
    }
    let shown = used.max(width);
    put_digits(text, number, shown);
    Ok(shown)
}

#[cfg(feature = "writer")]
pub use writer::{encode, suits};

#[cfg(feature = "writer")]
mod writer {
    use std::collections::HashMap;

    use super::super::encoder::{self, Facts, Role};
    use super::{MAX_FIELDS, MAX_TEMPLATES, MAX_WIDTH, WORD, low};
    use crate::bytes::to_u64;
    use crate::column::{VarBytes, index};
    use crate::encoding::hash::QuickHashBuilder;
    use crate::encoding::integer::{self, Integers};
    use crate::encoding::{Encoder, varint};
    use crate::sort::sort_by_key;

    /// Skeletons that are told apart while the common ones are looked for.
    const MAX_SKELETONS: usize = 1024;
    /// The code of text that has none of them.
    const NONE: u32 = u32::MAX;

    /// Text with every run of digits replaced by a NUL, and what its fields hold.
    struct Skeleton {
        literals: Vec<Literal>,
        values: Vec<Vec<u64>>,
        /// Shortest and longest run of digits, and whether one starts with a superfluous zero.
        widths: Vec<(usize, usize, bool)>,
    }

    pub fn suits(facts: &Facts, role: Role) -> bool {
        role != Role::Rest && facts.has_digit && !facts.has_nul && !facts.is_constant && facts.len >= 8
    }

    /// A run of digits.
    #[derive(Clone, Copy)]
    struct Field {
        number: u64,
        width: usize,
        /// Whether it starts with a superfluous zero.
        is_padded: bool,
    }

    impl Field {
        fn new(number: u64, digits: &[u8]) -> Self {
            Field { number, width: digits.len(), is_padded: matches!(digits, [b'0', _, ..]) }
        }
    }

    /// Splits into literals and fields; `None` for text without fields or with one that is too long.
    fn split(text: &[u8], literals: &mut Vec<u8>, fields: &mut Vec<Field>) -> Option<()> {
        literals.clear();
        fields.clear();
        let mut rest = text;
        loop {
            let digits = rest.iter().position(u8::is_ascii_digit);
            let (literal, after) = rest.split_at(digits.unwrap_or(rest.len()));
            literals.extend_from_slice(literal);
            if after.is_empty() {
                break;
            }
            let (number, width) = number_at(Text::of(after), 0);
            let (digits, after) = after.split_at(width);
            if width > usize::from(MAX_WIDTH) || fields.len() == MAX_FIELDS {
                return None;
            }
            literals.push(0);
            fields.push(Field::new(number, digits));
            rest = after;
        }
        (!fields.is_empty()).then_some(())
    }

    /// What stands between fields.
    struct Literal {
        bytes: Vec<u8>,
        /// The first bytes, at most eight, as a word, and which of its bits they are.
        word: u64,
        mask: u64,
        /// The last eight, where there are more.
        last: Option<u64>,
    }

    impl Literal {
        fn new(bytes: &[u8]) -> Self {
            let mask = u64::MAX.checked_shr(64 - 8 * low(to_u64(bytes.len().min(WORD)))).unwrap_or_default();
            let last = bytes.last_chunk().filter(|_| bytes.len() > WORD).map(|last| u64::from_le_bytes(*last));
            Literal { bytes: bytes.to_vec(), word: Text::of(bytes).word_at(0), mask, last }
        }

        /// Where the literal ends, if it is what a text has at a position.
        #[inline]
        fn strip(&self, text: Text<'_>, at: usize) -> Option<usize> {
            let end = at + self.bytes.len();
            if (text.word_at(at) ^ self.word) & self.mask != 0 || end > text.end {
                return None;
            }
            if self.last.is_some_and(|last| text.word_at(end - WORD) != last) {
                return None;
            }
            let is_known = self.bytes.len() <= 2 * WORD;
            (is_known || text.all.get(at..end) == Some(&self.bytes)).then_some(end)
        }
    }

    /// A text among others: what is behind it is at hand, too, so that whole words can be looked at.
    #[derive(Clone, Copy)]
    struct Text<'a> {
        all: &'a [u8],
        start: usize,
        end: usize,
    }

    impl<'a> Text<'a> {
        /// Eight bytes, the first one lowest, with zeros behind the end.
        #[inline]
        fn word_at(self, at: usize) -> u64 {
            let left = self.end.saturating_sub(at);
            let rest = self.all.get(at..).unwrap_or_default();
            match rest.first_chunk() {
                Some(word) if left >= WORD => u64::from_le_bytes(*word),
                Some(word) => u64::from_le_bytes(*word) & !(u64::MAX << (8 * left)),
                None => rest.iter().take(left).rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
            }
        }

        fn of(all: &'a [u8]) -> Self {
            Text { all, start: 0, end: all.len() }
        }
    }

    /// The number that digits from a position on are, modulo 2^64, and where they end.
    #[inline]
    fn number_at(text: Text<'_>, mut at: usize) -> (u64, usize) {
        let mut number = 0u64;
        loop {
            // Digits become their values, and what is none has its highest bit set.
            let values = text.word_at(at) ^ 0x3030_3030_3030_3030;
            let others = (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080;
            let count = others.trailing_zeros() / 8;
            if count == 0 {
                return (number, at);
            }
            // Pairs become numbers up to 99, these up to 9,999, and these the whole.
            let aligned = values << (64 - 8 * count);
            let pairs = (aligned.wrapping_mul(0x0a01) >> 8) & 0x00ff_00ff_00ff_00ff;
            let quads = (pairs.wrapping_mul(0x0064_0001) >> 16) & 0x0000_ffff_0000_ffff;
            let part = quads.wrapping_mul(0x2710_0000_0001) >> 32;
            let power = POWERS_OF_TEN.get(index(count)).copied().unwrap_or_default();
            number = number.wrapping_mul(power).wrapping_add(part);
            at += usize::try_from(count).unwrap_or(WORD);
            if count < 8 {
                return (number, at);
            }
        }
    }

    /// By the digits of a word.
    const POWERS_OF_TEN: [u64; WORD + 1] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

    impl Skeleton {
        /// Takes a value apart, if it has this skeleton: its fields.
        fn split(&self, value: Text<'_>, fields: &mut Vec<Field>) -> bool {
            fields.clear();
            let mut literals = self.literals.iter();
            let Some(mut at) = literals.next().and_then(|literal| literal.strip(value, value.start)) else {
                return false;
            };
            for literal in literals {
                let (number, end) = number_at(value, at);
                let width = end - at;
                if width == 0 || width > usize::from(MAX_WIDTH) {
                    return false;
                }
                let Some(after) = literal.strip(value, end) else { return false };
                fields.push(Field::new(number, value.all.get(at..end).unwrap_or_default()));
                at = after;
            }
            at == value.end
        }
    }

    #[inline(never)]
    pub fn encode(text: &VarBytes, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let mut ids: HashMap<Vec<u8>, usize, QuickHashBuilder> = HashMap::default();
        let mut skeletons: Vec<Skeleton> = Vec::new();
        // Skeletons are fewer than 2^32.
        let mut codes: Vec<u32> = Vec::with_capacity(text.len());
        let (mut literals, mut fields) = (Vec::new(), Vec::new());
        let mut last: Option<usize> = None;
        let bounds = text.offsets().iter().zip(text.offsets().iter().skip(1));
        for (&start, &end) in bounds {
            let value =
                Text { all: text.bytes(), start: index(start.cast_unsigned()), end: index(end.cast_unsigned()) };
            // Most values are like the one before.
            let same = last.filter(|&last| skeletons.get(last).is_some_and(|last| last.split(value, &mut fields)));
            let all = value.all.get(value.start..value.end).unwrap_or_default();
            if same.is_none() && split(all, &mut literals, &mut fields).is_none() {
                codes.push(NONE);
                continue;
            }
            let id = match same.or_else(|| ids.get(&literals).copied()) {
                Some(id) => id,
                None if skeletons.len() == MAX_SKELETONS => {
                    codes.push(NONE);
                    continue;
                }
                None => {
                    ids.insert(literals.clone(), skeletons.len());
                    skeletons.push(Skeleton {
                        literals: literals.split(|&byte| byte == 0).map(Literal::new).collect(),
                        values: vec![Vec::new(); fields.len()],
                        widths: vec![(usize::MAX, 0, false); fields.len()],
                    });
                    skeletons.len() - 1
                }
            };
            codes.push(u32::try_from(id).unwrap_or(NONE));
            last = Some(id);
            if let Some(skeleton) = skeletons.get_mut(id) {
                let columns = skeleton.values.iter_mut().zip(&mut skeleton.widths);
                for (field, (values, (min, max, padded))) in fields.iter().zip(columns) {
                    values.push(field.number);
                    *min = field.width.min(*min);
                    *max = field.width.max(*max);
                    *padded |= field.is_padded;
                }
            }
        }
        write(text, &skeletons, &codes, encoder, out)
    }

    fn write(text: &VarBytes, skeletons: &[Skeleton], codes: &[u32], encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        // A field of several widths must not be padded: its zeros could not be told.
        let regular = |skeleton: &Skeleton| skeleton.widths.iter().all(|(min, max, padded)| min == max || !padded);
        let uses = |skeleton: &Skeleton| skeleton.values.first().map_or(0, Vec::len);
        let mut chosen: Vec<(usize, &Skeleton)> =
            skeletons.iter().enumerate().filter(|(_, skeleton)| regular(skeleton)).collect();
        sort_by_key(&mut chosen, |(_, skeleton)| std::cmp::Reverse(uses(skeleton)));
        chosen.retain(|(_, skeleton)| uses(skeleton) * 256 >= text.len());
        chosen.truncate(MAX_TEMPLATES);
        let covered: usize = chosen.iter().map(|(_, skeleton)| uses(skeleton)).sum();
        if chosen.is_empty() || covered * 2 < text.len() {
            return false;
        }
        varint::write_count(chosen.len(), out);
        for (_, skeleton) in &chosen {
            varint::write_count(skeleton.widths.len(), out);
            for Literal { bytes, .. } in &skeleton.literals {
                varint::write_count(bytes.len(), out);
                out.extend_from_slice(bytes);
            }
            let width = |&(min, max, _): &(usize, usize, bool)| if min == max { min } else { 0 };
            out.extend(skeleton.widths.iter().map(|widths| u8::try_from(width(widths)).unwrap_or(0)));
        }
        varint::write_count(text.len() - covered, out);
        if chosen.len() > 1 || covered < text.len() {
            let mut code_of = vec![0u64; skeletons.len()];
            for (code, (id, _)) in (1..).zip(&chosen) {
                if let Some(slot) = code_of.get_mut(*id) {
                    *slot = code;
                }
            }
            let code = |&id: &u32| code_of.get(index(id)).copied().unwrap_or_default();
            let codes: Vec<u64> = codes.iter().map(code).collect();
            integer::encode(Integers { values: &codes, signed: false }, integer::Role::Codes, encoder, out);
            if covered < text.len() {
                let mut others = VarBytes::default();
                for (value, _) in text.iter().zip(&codes).filter(|(_, code)| **code == 0) {
                    if others.push(value).is_err() {
                        return false;
                    }
                }
                debug_assert_eq!(others.len(), text.len() - covered);
                encoder::encode(&others, Role::Rest, encoder, out);
            }
        }
        for (_, skeleton) in chosen {
            for values in &skeleton.values {
                integer::encode(Integers { values, signed: false }, integer::Role::Values, encoder, out);
            }
        }
        true
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::testing::noise;

        #[test]
        fn numbers_end_where_digits_do() {
            let mut next = noise(7);
            for width in 0..=20 {
                for behind in ["", "a", "/", ":", "\u{0}", "é", "a1234567890", "0"] {
                    let digits: String = (0..width).map(|_| char::from(b'0' + (next() % 10) as u8)).collect();
                    let text = format!("9x{digits}{behind}");
                    let all = &text[2..];
                    let end = all.find(|c: char| !c.is_ascii_digit()).unwrap_or(all.len());
                    let expected = all[..end]
                        .bytes()
                        .fold(0u64, |n, digit| n.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
                    assert_eq!(number_at(Text::of(text.as_bytes()), 2), (expected, 2 + end), "{text}");
                }
            }
        }

        #[test]
        fn literals_are_found_where_they_are() {
            let text = b"abcdefghijklmnopqrst";
            for start in 0..=text.len() {
                for len in 0..=text.len() - start {
                    let literal = Literal::new(&text[start..start + len]);
                    for at in 0..=text.len() {
                        let expected = text[at..].strip_prefix(&literal.bytes[..]).map(|rest| text.len() - rest.len());
                        assert_eq!(literal.strip(Text::of(text), at), expected, "{start} {len} {at}");
                    }
                }
            }
            // Zeros behind the end are no NULs.
            assert_eq!(Literal::new(b"ab\0").strip(Text::of(b"ab"), 0), None);
            // Nor is what is behind the end a part of it.
            let part = Text { all: b"xab12345678", start: 1, end: 5 };
            assert_eq!((number_at(part, 3), Literal::new(b"123").strip(part, 3)), ((12, 5), None));
        }
    }
}

#[cfg(all(test, feature = "writer"))]
mod tests {
    use super::*;
    use crate::encoding::Encoder;
    use crate::testing::noise;

    #[test]
    fn digits_are_those_of_the_number() {
        let mut numbers =
            vec![0, 9, 10, 99, 100, 9_999, 10_000, 99_999_999, 100_000_000, u64::from(u32::MAX), u64::MAX];
        let mut next = noise(3);
        numbers.extend((0..2_000).map(|_| next() >> (next() % 64)));
        for number in numbers {
            let plain = number.to_string();
            for width in 0..=usize::from(MAX_WIDTH) {
                let expected = format!("{number:0width$}");
                // With room for a word behind, and with none.
                for room in [32, expected.len()] {
                    let mut text = vec![b'.'; room];
                    match put_number(&mut text, number, width) {
                        Ok(len) => assert_eq!(text[..len], *expected.as_bytes(), "{number} {width}"),
                        Err(_) => assert!(width > 0 && plain.len() > width, "{number} {width}"),
                    }
                }
                if width > 0 && plain.len() <= width {
                    let mut text = [b'.'; 40];
                    put_digits(&mut text[2..], number, width);
                    assert_eq!(text[..2 + width], *format!("..{expected}").as_bytes());
                    assert!(text[2 + width..].iter().all(|&byte| byte == b'.'), "{number} {width}");
                }
            }
        }
    }

    /// Columns of numbers of the fields of one template.
    fn encoded(literals: &[&[u8]], widths: &[u8], columns: &[Vec<u64>]) -> Vec<u8> {
        let mut out = Vec::new();
        varint::write_count(1, &mut out);
        varint::write_count(widths.len(), &mut out);
        for literal in literals {
            varint::write_count(literal.len(), &mut out);
            out.extend_from_slice(literal);
        }
        out.extend_from_slice(widths);
        varint::write_count(0, &mut out);
        let mut encoder = Encoder::new(Some(3)).unwrap();
        for values in columns {
            let integers = integer::Integers { values, signed: false };
            integer::encode(integers, integer::Role::Values, &mut encoder, &mut out);
        }
        out
    }

    #[test]
    fn values_are_literals_and_digits_however_many_and_long() {
        let long = vec![b'x'; 100];
        let cases: [(&[&[u8]], &[u8]); 7] = [
            (&[b"", b""], &[1]),
            (&[b"", b"-", b""], &[2, 2]),
            (&[b"at ", b"-", b"T", b"Z"], &[4, 2, 8]),
            (&[b"sixteen bytes at", b"seventeen bytes at"], &[18]),
            (&[&long, b"/", b""], &[3, 9]),
            (&[b"User_", b"@example.com"], &[0]),
            (&[b"", b"of", &long], &[0, 17]),
        ];
        let mut next = noise(5);
        for (literals, widths) in cases {
            for rows in [0, 1, 7, 8, 255, 256, 257, 1_000] {
                // The first field changes seldom, the others always.
                let mut column = |field: usize, width: u8| -> Vec<u64> {
                    let end = if width == 0 { u64::MAX } else { 10u64.pow(width.into()) };
                    let number = |row: usize| if field == 0 { row as u64 / 300 % end } else { next() % end };
                    (0..rows).map(number).collect()
                };
                let columns: Vec<Vec<u64>> =
                    widths.iter().enumerate().map(|(field, &width)| column(field, width)).collect();
                let out = encoded(literals, widths, &columns);
                let text = decode(&mut ByteReader::new(&out, 0), rows, &mut Decoder::new(1 << 24)).unwrap();
                assert_eq!(text.len(), rows);
                for row in 0..rows {
                    let mut expected = literals[0].to_vec();
                    for (field, column) in columns.iter().enumerate() {
                        let width = usize::from(widths[field]);
                        expected.extend_from_slice(format!("{:0width$}", column[row]).as_bytes());
                        expected.extend_from_slice(literals[field + 1]);
                    }
                    assert_eq!(text.get(row), expected, "row {row} of {rows}");
                }
                let size = text.bytes().len() as u64;
                let limited = |limit: u64| decode(&mut ByteReader::new(&out, 0), rows, &mut Decoder::new(limit));
                let needed = size.max(rows as u64 * 8);
                assert_eq!(limited(needed).unwrap(), text);
                if size > rows as u64 * 8 {
                    assert_eq!(limited(size - 1).unwrap_err().code(), crate::error::Code::LimitExceeded);
                }
            }
        }
    }

    #[test]
    fn numbers_wider_than_their_field_are_refused() {
        for (width, number) in [(1, 10), (2, 100), (2, u64::MAX), (8, 100_000_000), (9, 1_000_000_000), (18, u64::MAX)]
        {
            for rows in [1, 7, 8, 300] {
                for at in [0, rows - 1] {
                    let values = (0..rows).map(|row| if row == at { number } else { 1 }).collect();
                    let out = encoded(&[b"a", b"b"], &[width], &[values]);
                    let error = decode(&mut ByteReader::new(&out, 0), rows, &mut Decoder::new(1 << 24)).unwrap_err();
                    assert_eq!(error.code(), crate::error::Code::Corrupt, "{number} in {width}");
                }
            }
        }
    }
}
