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

use super::super::{Decoder, integer, varint};
use super::{BLOCK, Block, Builder, Padded};
use crate::bytes::ByteReader;
use crate::column::VarBytes;
use crate::error::{Error, Result};

const MAX_TEMPLATES: usize = 64;
const MAX_FIELDS: usize = 16;
/// Digits that always fit an integer.
const MAX_WIDTH: u8 = 18;

/// Constant parts, and the widths of the fields between them.
struct Template {
    literals: Vec<Padded>,
    widths: Vec<u8>,
}

/// Text whose fields all have their width: only the digits change from value to value.
struct Row {
    text: Padded,
    /// Where each field is, and its number: most stay as they are from one value to the next.
    fields: Vec<(std::ops::Range<usize>, u64)>,
}

impl Row {
    fn new(template: &Template) -> Option<Row> {
        let mut text = template.literals.first()?.as_slice().to_vec();
        let mut fields = Vec::new();
        for (&width, literal) in template.widths.iter().zip(template.literals.iter().skip(1)) {
            let start = text.len();
            text.resize(start + usize::from(width), b'0');
            fields.push((start..text.len(), 0));
            text.extend_from_slice(literal.as_slice());
        }
        let row = Row { text: Padded::new(&text), fields };
        template.widths.iter().all(|&width| width > 0).then_some(row)
    }

    /// Puts a number into a field.
    fn set(&mut self, field: usize, number: u64) -> Result<()> {
        let Some((range, known)) = self.fields.get_mut(field) else { return Ok(()) };
        if *known == number {
            return Ok(());
        }
        *known = number;
        let digits = Digits::of(number);
        if digits.used > range.len() {
            return Err(Error::corrupt(format!("{number} in a field of {} digits", range.len())));
        }
        let last = digits.last(range.len());
        self.text
            .bytes
            .get_mut(range.clone())
            .unwrap_or_default()
            .iter_mut()
            .zip(last)
            .for_each(|(to, &from)| *to = from);
        Ok(())
    }
}

fn read_template(reader: &mut ByteReader<'_>) -> Result<Template> {
    let fields = varint::read_count(reader)?;
    if !(1..=MAX_FIELDS).contains(&fields) {
        return Err(Error::corrupt(format!("template of {fields} fields")));
    }
    let mut literals = Vec::new();
    for _ in 0..=fields {
        let length = varint::read_count(reader)?;
        literals.push(Padded::new(reader.take(length)?));
    }
    let widths = reader.take(fields)?.to_vec();
    if widths.iter().any(|&width| width > MAX_WIDTH) {
        return Err(Error::corrupt("template field of more than 18 digits"));
    }
    Ok(Template { literals, widths })
}

pub fn decode(reader: &mut ByteReader<'_>, count: usize, decoder: &mut Decoder) -> Result<VarBytes> {
    let number = varint::read_count(reader)?;
    if !(1..=MAX_TEMPLATES).contains(&number) {
        return Err(Error::corrupt(format!("{number} templates")));
    }
    let templates: Vec<Template> = (0..number).map(|_| read_template(reader)).collect::<Result<_>>()?;
    let others = varint::read_count(reader)?;
    if others > count {
        return Err(Error::corrupt(format!("{others} other values of {count}")));
    }
    let codes = match (number, others) {
        (1, 0) => vec![1; count],
        _ => integer::decode(reader, count, decoder)?,
    };
    let mut uses = vec![0usize; number + 1];
    for &code in &codes {
        let slot = usize::try_from(code).ok().and_then(|code| uses.get_mut(code));
        *slot.ok_or_else(|| Error::corrupt(format!("template {code} of {number}")))? += 1;
    }
    if uses.first() != Some(&others) {
        return Err(Error::corrupt(format!("{others} other values, but not as many codes of them")));
    }
    let rest = if others == 0 { VarBytes::default() } else { super::decode(reader, others, decoder)? };
    let mut fields: Vec<Vec<std::vec::IntoIter<u64>>> = Vec::new();
    for (template, &uses) in templates.iter().zip(uses.iter().skip(1)) {
        let columns = template.widths.iter().map(|_| integer::decode(reader, uses, decoder).map(Vec::into_iter));
        fields.push(columns.collect::<Result<_>>()?);
    }
    let mut rest = rest.iter();
    let mut rows: Vec<Option<Row>> = templates.iter().map(Row::new).collect();
    let mut builder = Builder::new(count, decoder);
    for code in codes {
        let at = usize::try_from(code).ok().and_then(|code| code.checked_sub(1));
        if let Some((Some(row), columns)) = at.and_then(|at| Some((rows.get_mut(at)?.as_mut(), fields.get_mut(at)?))) {
            for (field, column) in columns.iter_mut().enumerate() {
                row.set(field, column.next().unwrap_or_default())?;
            }
            builder.extend_padded(&row.text)?;
            builder.end();
            continue;
        }
        match at.and_then(|at| Some((templates.get(at)?, fields.get_mut(at)?))) {
            None => builder.extend(rest.next().unwrap_or_default())?,
            Some((template, columns)) => {
                if let Some(first) = template.literals.first() {
                    builder.extend_padded(first)?;
                }
                let literals = template.literals.iter().skip(1);
                for ((&width, column), literal) in template.widths.iter().zip(columns).zip(literals) {
                    extend_number(&mut builder, column.next().unwrap_or_default(), width)?;
                    builder.extend_padded(literal)?;
                }
            }
        }
        builder.end();
    }
    builder.finish()
}

/// Decimal digits of a number, behind zeros, and room for a block behind them.
struct Digits {
    bytes: [u8; Digits::END + BLOCK],
    used: usize,
}

impl Digits {
    const END: usize = 20;

    fn of(number: u64) -> Digits {
        let mut digits = Digits { bytes: [b'0'; Digits::END + BLOCK], used: 0 };
        let mut left = number;
        while u32::try_from(left).is_err() {
            digits.put(u32::try_from(left % 100).unwrap_or_default());
            left /= 100;
        }
        // Dividing 32 bits takes no division.
        let mut left = u32::try_from(left).unwrap_or_default();
        while left >= 100 {
            digits.put(left % 100);
            left /= 100;
        }
        digits.put(left);
        digits.used -= usize::from(left < 10);
        digits
    }

    /// Puts the digits of a number below 100 in front.
    fn put(&mut self, pair: u32) {
        let digit = |value: u32| b'0' + value.to_le_bytes()[0];
        self.used += 2;
        let to = self.bytes.get_mut(Digits::END.saturating_sub(self.used)..).and_then(<[u8]>::first_chunk_mut);
        if let Some(to) = to {
            *to = [digit(pair / 10), digit(pair % 10)];
        }
    }

    /// The last digits, with zeros in front.
    fn last(&self, count: usize) -> &[u8] {
        self.bytes.get(Digits::END.saturating_sub(count)..Digits::END).unwrap_or_default()
    }
}

/// Decimal digits, padded with zeros to the width.
fn extend_number(builder: &mut Builder, number: u64, width: u8) -> Result<()> {
    let digits = Digits::of(number);
    let shown = match width {
        0 => digits.used,
        width if digits.used <= usize::from(width) => usize::from(width),
        width => return Err(Error::corrupt(format!("{number} in a field of {width} digits"))),
    };
    match digits.bytes.get(Digits::END.saturating_sub(shown)..).and_then(<[u8]>::first_chunk) {
        Some(&bytes) if shown <= BLOCK => builder.extend_block(&Block { bytes, len: shown }),
        _ => builder.extend(digits.last(shown)),
    }
}

#[cfg(feature = "writer")]
pub use writer::{encode, suits};

#[cfg(feature = "writer")]
mod writer {
    use std::collections::HashMap;

    use super::super::encoder::{self, Facts, Role};
    use super::{MAX_FIELDS, MAX_TEMPLATES, MAX_WIDTH};
    use crate::bytes::to_u64;
    use crate::column::VarBytes;
    use crate::encoding::hash::QuickHashBuilder;
    use crate::encoding::integer::{self, Integers};
    use crate::encoding::{Encoder, varint};

    /// Skeletons that are told apart while the common ones are looked for.
    const MAX_SKELETONS: usize = 1024;

    /// Text with every run of digits replaced by a NUL, and what its fields hold.
    struct Skeleton {
        literals: Vec<Vec<u8>>,
        values: Vec<Vec<u64>>,
        /// Shortest and longest run of digits, and whether one starts with a superfluous zero.
        widths: Vec<(usize, usize, bool)>,
    }

    pub fn suits(facts: &Facts, role: Role) -> bool {
        role != Role::Rest && facts.has_digit && !facts.has_nul && !facts.is_constant && facts.len >= 8
    }

    /// Splits into literals and numbers; `None` for text without numbers or with one that is too long.
    fn split(text: &[u8], literals: &mut Vec<u8>, numbers: &mut Vec<(u64, usize)>) -> Option<()> {
        literals.clear();
        numbers.clear();
        let mut rest = text;
        loop {
            let digits = rest.iter().position(u8::is_ascii_digit);
            let (literal, after) = rest.split_at(digits.unwrap_or(rest.len()));
            literals.extend_from_slice(literal);
            if after.is_empty() {
                break;
            }
            let width = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (digits, after) = after.split_at(width);
            if width > usize::from(MAX_WIDTH) || numbers.len() == MAX_FIELDS {
                return None;
            }
            literals.push(0);
            numbers.push((digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')), width));
            rest = after;
        }
        (!numbers.is_empty()).then_some(())
    }

    pub fn encode(text: &VarBytes, encoder: &mut Encoder, out: &mut Vec<u8>) -> bool {
        let mut ids: HashMap<Vec<u8>, usize, QuickHashBuilder> = HashMap::default();
        let mut skeletons: Vec<Skeleton> = Vec::new();
        let mut codes: Vec<Option<usize>> = Vec::with_capacity(text.len());
        let (mut literals, mut numbers) = (Vec::new(), Vec::new());
        let (mut before, mut last) = (Vec::new(), None);
        for value in text.iter() {
            if split(value, &mut literals, &mut numbers).is_none() {
                codes.push(None);
                continue;
            }
            // Most values are like the one before.
            let same = last.filter(|_| literals == before);
            let id = match same.or_else(|| ids.get(&literals).copied()) {
                Some(id) => id,
                None if skeletons.len() == MAX_SKELETONS => {
                    codes.push(None);
                    continue;
                }
                None => {
                    ids.insert(literals.clone(), skeletons.len());
                    skeletons.push(Skeleton {
                        literals: literals.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect(),
                        values: vec![Vec::new(); numbers.len()],
                        widths: vec![(usize::MAX, 0, false); numbers.len()],
                    });
                    skeletons.len() - 1
                }
            };
            codes.push(Some(id));
            if same.is_none() {
                last = Some(id);
                before.clone_from(&literals);
            }
            if let Some(skeleton) = skeletons.get_mut(id) {
                let columns = skeleton.values.iter_mut().zip(&mut skeleton.widths);
                for (&(number, width), (values, (min, max, padded))) in numbers.iter().zip(columns) {
                    values.push(number);
                    *min = width.min(*min);
                    *max = width.max(*max);
                    *padded |= width > 1 && number < 10u64.pow(u32::try_from(width).unwrap_or(0) - 1);
                }
            }
        }
        write(text, &skeletons, &codes, encoder, out)
    }

    fn write(
        text: &VarBytes,
        skeletons: &[Skeleton],
        codes: &[Option<usize>],
        encoder: &mut Encoder,
        out: &mut Vec<u8>,
    ) -> bool {
        // A field of several widths must not be padded: its zeros could not be told.
        let regular = |skeleton: &Skeleton| skeleton.widths.iter().all(|(min, max, padded)| min == max || !padded);
        let uses = |skeleton: &Skeleton| skeleton.values.first().map_or(0, Vec::len);
        let mut chosen: Vec<(usize, &Skeleton)> =
            skeletons.iter().enumerate().filter(|(_, skeleton)| regular(skeleton)).collect();
        chosen.sort_by_key(|(_, skeleton)| std::cmp::Reverse(uses(skeleton)));
        chosen.retain(|(_, skeleton)| uses(skeleton) * 256 >= text.len());
        chosen.truncate(MAX_TEMPLATES);
        let covered: usize = chosen.iter().map(|(_, skeleton)| uses(skeleton)).sum();
        if chosen.is_empty() || covered * 2 < text.len() {
            return false;
        }
        varint::write_count(chosen.len(), out);
        for (_, skeleton) in &chosen {
            varint::write_count(skeleton.widths.len(), out);
            for literal in &skeleton.literals {
                varint::write_count(literal.len(), out);
                out.extend_from_slice(literal);
            }
            let width = |&(min, max, _): &(usize, usize, bool)| if min == max { min } else { 0 };
            out.extend(skeleton.widths.iter().map(|widths| u8::try_from(width(widths)).unwrap_or(0)));
        }
        varint::write_count(text.len() - covered, out);
        let mut code_of = vec![0u64; skeletons.len()];
        for (code, (id, _)) in (1..).zip(&chosen) {
            if let Some(slot) = code_of.get_mut(*id) {
                *slot = code;
            }
        }
        let codes: Vec<u64> = codes.iter().map(|id| id.and_then(|id| code_of.get(id)).copied().unwrap_or(0)).collect();
        if chosen.len() > 1 || covered < text.len() {
            integer::encode(Integers { values: &codes, signed: false }, integer::Role::Codes, encoder, out);
        }
        if covered < text.len() {
            let mut others = VarBytes::default();
            for (value, _) in text.iter().zip(&codes).filter(|(_, code)| **code == 0) {
                if others.push(value).is_err() {
                    return false;
                }
            }
            encoder::encode(&others, Role::Rest, encoder, out);
        }
        for (_, skeleton) in chosen {
            for values in &skeleton.values {
                integer::encode(Integers { values, signed: false }, integer::Role::Values, encoder, out);
            }
        }
        debug_assert_eq!(to_u64(covered) + codes.iter().filter(|code| **code == 0).count() as u64, to_u64(text.len()));
        true
    }
}
