//! Where the columns of a legacy file lie. There is no directory in the file: one hops from header to header.

use std::collections::HashMap;
use std::ops::Range;

use super::Record;
use crate::bytes::{ByteReader, Interrupt, Segments, Step, to_u64};
use crate::error::{Error, Result};
use crate::format::python10;
use crate::schema::Schema;

#[derive(Debug)]
enum Walk {
    /// Groups: the current one's id, and how many of its columns are still to come.
    Python10 {
        group: u32,
        left: u32,
    },
    /// Schema order, no names.
    Rust20,
    Complete,
}

/// What is known so far of the columns' places.
#[derive(Debug)]
pub struct Directory {
    records: Vec<Record>,
    /// Position in `records` of each schema column found so far.
    by_column: Vec<Option<usize>>,
    /// Schema columns that no record was found for yet, by name, the first of equal names last.
    names: HashMap<String, Vec<usize>>,
    walk: Walk,
    next: u64,
    end: u64,
}

impl Directory {
    fn new(data: Range<u64>, walk: Walk) -> Self {
        Directory {
            records: Vec::new(),
            by_column: Vec::new(),
            names: HashMap::new(),
            walk,
            next: data.start,
            end: data.end,
        }
    }

    /// Column groups that fill the range.
    pub fn python10(data: Range<u64>, schema: &Schema) -> Self {
        let mut directory = Directory::new(data, Walk::Python10 { group: 0, left: 0 });
        for (position, field) in schema.columns.iter().enumerate().rev() {
            directory.names.entry(field.name.clone()).or_default().push(position);
        }
        directory
    }

    /// Sizes and frames that fill the range.
    pub fn rust20(data: Range<u64>) -> Self {
        Directory::new(data, Walk::Rust20)
    }

    /// Known from elsewhere.
    pub fn complete(records: Vec<Record>) -> Self {
        let mut directory = Directory::new(0..0, Walk::Complete);
        for record in records {
            directory.add(record);
        }
        directory
    }

    pub fn records(&self) -> &[Record] {
        &self.records
    }

    pub fn find(&self, column: usize) -> Option<&Record> {
        self.by_column.get(column).and_then(|&index| self.records.get(index?))
    }

    /// Whether every column in the data was seen.
    pub fn is_complete(&self) -> bool {
        matches!(self.walk, Walk::Complete)
    }

    fn add(&mut self, record: Record) {
        if let Some(column) = record.column {
            if column >= self.by_column.len() {
                self.by_column.resize(column.saturating_add(1), None);
            }
            self.by_column.get_mut(column).into_iter().for_each(|place| *place = Some(self.records.len()));
        }
        self.records.push(record);
    }

    /// Hops until all of `columns` are found or the data end.
    pub fn locate(&mut self, columns: &[usize], schema: &Schema, segments: &Segments) -> Step<()> {
        for &column in columns {
            while !matches!(self.walk, Walk::Complete) && self.find(column).is_none() {
                self.hop(schema, segments).map_err(|interrupt| match interrupt {
                    Interrupt::Failed(error) => Interrupt::Failed(error.in_section("data")),
                    need => need,
                })?;
            }
        }
        Ok(())
    }

    fn hop(&mut self, schema: &Schema, segments: &Segments) -> Step<()> {
        match self.walk {
            Walk::Complete => Ok(()),
            Walk::Rust20 if self.records.len() == schema.columns.len() => {
                if self.next != self.end {
                    return Err(Error::corrupt("bytes between the last column and the footer").at(self.next).into());
                }
                self.walk = Walk::Complete;
                Ok(())
            }
            Walk::Rust20 => {
                let header = self.next;
                let size = ByteReader::new(segments.get(header..header + 4)?, header).u32()?;
                let column = self.records.len();
                let name = schema.columns.get(column).map_or_else(String::new, |field| field.name.clone());
                let range = self.payload(header + 4, size.into(), &name)?;
                self.add(Record {
                    column: Some(column),
                    name,
                    row_group: 0,
                    header,
                    range,
                    codec: Some(1),
                    group: None,
                    parents: Vec::new(),
                });
                Ok(())
            }
            Walk::Python10 { left: 0, .. } if self.next == self.end => {
                self.walk = Walk::Complete;
                Ok(())
            }
            Walk::Python10 { left: 0, .. } => {
                let mut reader = ByteReader::new(segments.get(self.next..self.next + 8)?, self.next);
                let (group, left) = (reader.u32()?, reader.u32()?);
                self.next += 8;
                self.walk = Walk::Python10 { group, left };
                if left == 0 {
                    return Err(Error::corrupt("column group without columns").at(self.next - 8).into());
                }
                Ok(())
            }
            Walk::Python10 { group, left } => {
                let header = self.next;
                // name NUL, u64 size, u8 codec: the length of the name shows only in the bytes.
                let (name, fixed) = record_header(segments, header, self.end)?;
                let mut reader = ByteReader::new(fixed, header + to_u64(name.len()) + 1);
                let (size, codec) = (reader.u64()?, reader.u8()?);
                let name = std::str::from_utf8(name)
                    .map_err(|_| Error::corrupt("column name is not UTF-8").at(header))?
                    .to_owned();
                let range = self.payload(reader.offset(), size, &name)?;
                let column = self.names.get_mut(&name).and_then(Vec::pop);
                self.walk = Walk::Python10 { group, left: left - 1 };
                self.add(Record {
                    column,
                    name,
                    row_group: 0,
                    header,
                    range,
                    codec: Some(codec),
                    group: Some(group),
                    parents: Vec::new(),
                });
                Ok(())
            }
        }
    }

    /// The payload at `start`; moves on behind it.
    fn payload(&mut self, start: u64, size: u64, name: &str) -> Result<Range<u64>> {
        let end = start.checked_add(size).filter(|&end| end <= self.end).ok_or_else(|| {
            let there = self.end.saturating_sub(start);
            Error::corrupt(format!("{size} bytes claimed where {there} are left")).in_column(name).at(start)
        })?;
        self.next = end;
        Ok(start..end)
    }
}

/// The name at `start`, and the nine bytes behind its NUL.
fn record_header(segments: &Segments, start: u64, end: u64) -> Step<(&[u8], &[u8])> {
    let mut window = 64;
    loop {
        let bytes = segments.get(start..start.saturating_add(window).min(end))?;
        if let Some(length) = bytes.iter().position(|&byte| byte == 0)
            && let (Some(name), Some(fixed)) = (bytes.get(..length), bytes.get(length + 1..length + 10))
        {
            return Ok((name, fixed));
        }
        if start.saturating_add(window) >= end || window > python10::MAX_NAME_SIZE {
            return Err(Error::corrupt("column header without the end of its name").at(start).into());
        }
        window *= 4;
    }
}
