//! Files of version 2: opened from the end, read by chunk.

use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use super::{Body, Decoded, File, OpenOptions, Part, Record, RowGroup, Section, Verifier, stored_of};
use crate::bytes::{Interrupt, Segments, Step, to_u64, to_usize};
use crate::column::Column;
use crate::encoding::chunk::{self, ColumnType, Parents};
use crate::encoding::parent::{MAX_CHAIN, Parent};
use crate::encoding::{Decoder, Node, neural};
use crate::error::{Code, Error, Result};
use crate::format::version2::block::{self, Block, Digests, Place, Sha};
use crate::format::version2::{self, Footer, HEADER_SIZE, TRAILER_SIZE, Tail, Trailer};
use crate::format::{DIGEST_SIZE, Dialect, FOOTER_MAGIC, NEWEST_VERSION, msgpack};
#[cfg(feature = "writer")]
use crate::schema::Extra;
use crate::schema::{DataType, Schema};
use crate::sort::sort_by_key;
use crate::statistics::ColumnStatistics;

/// Features of columns that this release knows.
const FEATURES: [&str; 0] = [];

/// How a chunk's bytes are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    None,
    Fast,
    Sha256,
}

/// One column.
#[derive(Debug)]
struct Entry {
    column_type: ColumnType,
    requires: Vec<String>,
    place: Place,
    /// Behind the place: the summary, and the block where it is inline.
    rest: Vec<u8>,
    /// Where the block is, if it is not inline.
    range: Range<u64>,
    block: Option<Block>,
    /// Digests of the chunks, once they were asked for.
    digests: Option<Vec<Sha>>,
    /// Length of its longest chain of parents, once all on them are loaded.
    chain: Option<usize>,
}

/// What an open file of version 2 knows.
#[derive(Debug)]
pub struct Version2 {
    pub trailer: Trailer,
    pub tail: Tail,
    /// Where the chunks end.
    pub data_end: u64,
    /// Rows of each row group.
    pub rows: Vec<u64>,
    /// Unknown keys of the footer.
    #[cfg(feature = "writer")]
    pub extra: Extra,
    entries: Vec<Entry>,
    check: Check,
    metadata_limit: u64,
    column_limit: u64,
}

/// Opens a file of version 2; `None` where the end is not that of one.
pub fn open(segments: &Segments, options: &OpenOptions) -> Step<Option<File>> {
    let size = segments.size();
    if size < version2::MIN_SIZE {
        return Ok(None);
    }
    let start = size - TRAILER_SIZE;
    // Nothing in the header is needed, so it is not fetched; where it is there, it is checked like everything else.
    if let Ok(found) = segments.get(0..HEADER_SIZE)
        && found != version2::header()
        && segments.get(start..size)?.ends_with(&FOOTER_MAGIC)
    {
        return Err(Error::corrupt("a header that is not that of version 2").in_section("header").at(0).into());
    }
    let Some(trailer) =
        Trailer::parse(segments.get(start..size)?, start).map_err(|error| error.in_section("trailer"))?
    else {
        return Ok(None);
    };
    let tail = trailer.tail(size).map_err(|error| error.in_section("trailer"))?;
    let limits = options.limits;
    msgpack::check_size(trailer.footer_size.into(), limits.metadata_bytes)
        .map_err(|error| error.in_section("footer").at(tail.footer.start))?;
    let stored = segments.get(tail.footer.clone())?;
    let in_footer = |error: Error| error.in_section("footer").at(tail.footer.start);
    trailer.check(stored).map_err(in_footer)?;
    if let Some(expected) = options.integrity.filter(|expected| *expected != trailer.digest) {
        return Err(Error::checksum(&expected, &trailer.digest).in_section("trailer").into());
    }
    let unpacked = trailer.unpack(stored, limits.metadata_bytes).map_err(in_footer)?;
    let footer = version2::parse_footer(&unpacked, limits.columns, limits.metadata_bytes).map_err(in_footer)?;
    Ok(Some(make(footer, trailer, tail, options).map_err(|error| error.in_section("footer"))?))
}

/// What is wrong with a file whose end is not that of version 2, while its beginning states this version.
pub fn without_end(version: u32, size: u64) -> Error {
    if version != version2::VERSION {
        return Error::unsupported_version(version, NEWEST_VERSION).in_section("header").at(4);
    }
    if size < version2::MIN_SIZE {
        return Error::truncated(version2::MIN_SIZE, size).in_section("header");
    }
    Error::corrupt("a version 2 file without its trailer at the end: it was cut short, or its writer did not finish")
        .in_section("trailer")
}

fn make(footer: Footer, trailer: Trailer, tail: Tail, options: &OpenOptions) -> Result<File> {
    let mut next = tail.blocks.start;
    let mut entries = Vec::with_capacity(footer.directory.len());
    let columns = footer.schema.columns.iter().zip(footer.types).zip(footer.requires);
    for (((field, column_type), requires), mut bytes) in columns.zip(footer.directory) {
        let (place, length) = block::parse_place(&bytes).map_err(|error| error.in_column(&field.name))?;
        let rest = bytes.split_off(length);
        let size = if let Place::Located { size, .. } = &place { *size } else { 0 };
        let end = next.checked_add(size).filter(|&end| end <= tail.blocks.end);
        let end = end.ok_or_else(|| Error::corrupt("column blocks reach into the footer").in_column(&field.name))?;
        entries.push(Entry {
            column_type,
            requires,
            place,
            rest,
            range: next..end,
            block: None,
            digests: None,
            chain: None,
        });
        next = end;
    }
    if next != tail.blocks.end {
        return Err(Error::corrupt(format!(
            "{} bytes between the column blocks and the footer",
            tail.blocks.end - next
        )));
    }
    let located_digests = block::digests_size(footer.rows.len()).saturating_mul(to_u64(entries.len()));
    let digests = tail.blocks.start.checked_sub(footer.data_end);
    if footer.data_end < HEADER_SIZE || !(digests == Some(0) || digests == Some(located_digests)) {
        return Err(Error::corrupt(format!(
            "chunks that end at {} in front of blocks at {}",
            footer.data_end, tail.blocks.start
        )));
    }
    let mut start = 0;
    let row_groups = footer.rows.iter().map(|rows| {
        let range = start..start + rows;
        start = range.end;
        range
    });
    let row_groups = row_groups.collect();
    let all = [
        ("header", 0..HEADER_SIZE),
        ("data", HEADER_SIZE..footer.data_end),
        ("digests", footer.data_end..tail.blocks.start),
        ("blocks", tail.blocks.clone()),
        ("footer", tail.footer.clone()),
        ("trailer", tail.trailer.clone()),
    ];
    let sections = all.into_iter().filter(|(_, range)| !range.is_empty());
    Ok(File {
        dialect: Dialect::Version2,
        schema: footer.schema,
        created: footer.created,
        modified: footer.modified,
        sections: sections.map(|(name, range)| Section { name, range }).collect(),
        warnings: Vec::new(),
        lost: 0,
        limits: options.limits,
        row_groups,
        body: Box::new(Version2 {
            trailer,
            tail,
            data_end: footer.data_end,
            rows: footer.rows,
            #[cfg(feature = "writer")]
            extra: footer.extra,
            entries,
            check: match (options.integrity, options.checksums) {
                (Some(_), _) => Check::Sha256,
                (None, true) => Check::Fast,
                (None, false) => Check::None,
            },
            metadata_limit: options.limits.metadata_bytes,
            column_limit: options.limits.column_bytes,
        }),
    })
}

impl Version2 {
    fn entry(&self, column: usize) -> Result<&Entry> {
        self.entries.get(column).ok_or_else(|| Error::unknown_column(format!("#{column}")))
    }

    fn block(&self, column: usize) -> Result<&Block> {
        self.entry(column)?.block.as_ref().ok_or_else(|| Error::invalid("column", "was not located"))
    }

    fn statistics_of(&self, column: usize) -> Result<ColumnStatistics> {
        let entry = self.entry(column)?;
        let rest = block::parse_rest(&entry.rest, &entry.place, entry.column_type, &self.rows, self.metadata_limit);
        Ok(rest.map_err(|error| error.in_section("footer"))?.0)
    }

    /// Loads the blocks of columns and of those that they depend on, and the digests of their chunks if they are
    /// wanted.
    fn load(&mut self, columns: &[usize], digests: bool, schema: &Schema, segments: &Segments) -> Step<()> {
        self.load_but(columns, digests, schema, segments, |_| false).map(|_| ())
    }

    /// The same, passing over columns whose failure is tolerated; whether there was one.
    fn load_but(
        &mut self,
        columns: &[usize],
        digests: bool,
        schema: &Schema,
        segments: &Segments,
        is_tolerated: impl Fn(&Error) -> bool,
    ) -> Step<bool> {
        let mut was_tolerated = false;
        let mut wanted = columns.to_vec();
        let mut is_new = vec![true; self.entries.len()];
        let mut see = |column: usize| is_new.get_mut(column).is_some_and(|is_new| std::mem::replace(is_new, false));
        wanted.iter().for_each(|&column| {
            see(column);
        });
        // Each round is a step along the chains of parents.
        for _ in 0..=MAX_CHAIN {
            let mut missing = Vec::new();
            let mut parents = Vec::new();
            for column in wanted {
                let name = schema.columns.get(column).map_or("", |field| field.name.as_str());
                match self.load_column(column, digests, segments) {
                    Err(Interrupt::Need(ranges)) => missing.extend(ranges),
                    Err(Interrupt::Failed(error)) if is_tolerated(&error) => was_tolerated = true,
                    Err(Interrupt::Failed(error)) => return Err(error.in_column(name).into()),
                    Ok(()) => {
                        let found = self.block(column)?.parents.iter().copied();
                        parents.extend(found.filter(|&parent| see(parent)));
                    }
                }
            }
            if !missing.is_empty() {
                return Err(Interrupt::Need(missing));
            }
            wanted = parents;
        }
        for &column in columns {
            let name = schema.columns.get(column).map_or("", |field| field.name.as_str());
            match self.measure_chain(column, 0) {
                // What could not be loaded is known to be bad already.
                Err(error) if !was_tolerated => return Err(error.in_column(name).into()),
                _ => {}
            }
        }
        Ok(was_tolerated)
    }

    /// The length of a column's longest chain of parents, which is at most [`MAX_CHAIN`] with what leads to the column.
    fn measure_chain(&mut self, column: usize, above: usize) -> Result<usize> {
        let check = |length: usize| match length {
            0..=MAX_CHAIN => Ok(()),
            _ => Err(Error::corrupt(format!("a chain of more than {MAX_CHAIN} parents, or a cycle of them"))),
        };
        check(above)?;
        let mut longest = 0;
        match self.entry(column)?.chain {
            Some(known) => longest = known,
            None => {
                for parent in self.block(column)?.parents.clone() {
                    longest = longest.max(1 + self.measure_chain(parent, above + 1)?);
                }
                if let Some(entry) = self.entries.get_mut(column) {
                    entry.chain = Some(longest);
                }
            }
        }
        check(above + longest)?;
        Ok(longest)
    }

    fn load_column(&mut self, column: usize, digests: bool, segments: &Segments) -> Step<()> {
        let count = self.rows.len();
        let located = block::digests_size(count);
        let start = self.data_end.saturating_add(located.saturating_mul(to_u64(column)));
        let data = HEADER_SIZE..self.data_end;
        let columns = self.entries.len();
        let Some(entry) = self.entries.get_mut(column) else {
            return Err(Error::unknown_column(format!("#{column}")).into());
        };
        if let Some(unknown) = entry.requires.iter().find(|name| !FEATURES.contains(&name.as_str())) {
            return Err(Error::unsupported(format!("feature {unknown:?}, of a newer release")).into());
        }
        if entry.block.is_none() {
            let limit = self.metadata_limit;
            let parsed = match &entry.place {
                Place::Inline => {
                    let rest = block::parse_rest(&entry.rest, &entry.place, entry.column_type, &self.rows, limit)
                        .map_err(|error| error.in_section("footer"))?;
                    rest.1.ok_or_else(|| Error::corrupt("a directory entry without its block"))?
                }
                Place::Located { digest, .. } => {
                    msgpack::check_size(entry.range.end - entry.range.start, limit)?;
                    let bytes = segments.get(entry.range.clone())?;
                    let in_blocks = |error: Error| error.in_section("blocks").at(entry.range.start);
                    check_sha(bytes, digest).map_err(in_blocks)?;
                    block::parse(bytes, entry.column_type, &self.rows, limit).map_err(in_blocks)?
                }
            };
            if let Some(range) = parsed.ranges.iter().find(|range| range.start < data.start || range.end > data.end) {
                return Err(Error::corrupt(format!("a chunk at {} to {}", range.start, range.end)).into());
            }
            if let Some(parent) = parsed.parents.iter().find(|&&parent| parent >= columns) {
                return Err(Error::corrupt(format!("parent {parent} of {columns} columns")).into());
            }
            entry.block = Some(parsed);
        }
        if digests && entry.digests.is_none() {
            entry.digests = match entry.block.as_ref().map(|block| &block.digests) {
                Some(Digests::Inline(digests)) => Some(digests.clone()),
                Some(Digests::Located(digest)) => {
                    msgpack::check_size(located, self.metadata_limit)?;
                    let range = start..start.saturating_add(located);
                    if range.end > self.tail.blocks.start {
                        return Err(Error::corrupt("digests that are not there").into());
                    }
                    let bytes = segments.get(range)?;
                    check_sha(bytes, digest).map_err(|error| error.in_section("digests").at(start))?;
                    Some(block::split_digests(bytes))
                }
                None => None,
            };
        }
        Ok(())
    }

    fn check_chunk(&self, column: usize, row_group: usize, stored: &[u8]) -> Result<()> {
        match self.check {
            Check::None => Ok(()),
            Check::Fast => {
                let expected = self.block(column)?.hashes.get(row_group).copied().unwrap_or_default();
                let actual = xxh3_64(stored);
                if actual == expected {
                    return Ok(());
                }
                Err(Error::checksum(&expected.to_be_bytes(), &actual.to_be_bytes()))
            }
            Check::Sha256 => {
                let digests = self.entry(column)?.digests.as_ref();
                let expected = digests.and_then(|digests| digests.get(row_group));
                check_sha(stored, expected.ok_or_else(|| Error::invalid("column", "was not located"))?)
            }
        }
    }

    fn rows_of(&self, row_group: usize) -> Result<usize> {
        to_usize(self.rows.get(row_group).copied().unwrap_or_default(), "rows of a row group")
    }

    /// Decodes a chunk of a located column from its bytes and its decoded parents; of text of a dictionary only its codes.
    fn decode_chunk(&self, column: usize, row_group: usize, (stored, parents): (&[u8], &Parents)) -> Result<Parent> {
        self.check_chunk(column, row_group, stored)?;
        let column_type = self.entry(column)?.column_type;
        let decoder = &mut Decoder::new(self.column_limit);
        let decoded = chunk::decode(stored, column_type, self.rows_of(row_group)?, parents, decoder)?;
        if let Some(stated) = self.chunk_statistics(column, row_group)
            && to_u64(decoded.column().num_nulls()) != stated.null_count
        {
            let (found, stated) = (decoded.column().num_nulls(), stated.null_count);
            return Err(Error::corrupt(format!("{found} nulls in a chunk that states {stated}")));
        }
        Ok(decoded)
    }

    /// The tree of encodings of a chunk.
    fn describe(&self, column: usize, row_group: usize, stored: &[u8], parents: &Parents) -> Result<Vec<Node>> {
        self.check_chunk(column, row_group, stored)?;
        let column_type = self.entry(column)?.column_type;
        let decoder = &mut Decoder::new(self.column_limit);
        chunk::describe(stored, column_type, self.rows_of(row_group)?, parents, decoder)
    }

    fn read_distinct<T>(
        &self,
        column: usize,
        row_group: usize,
        stored: &[u8],
        read: impl FnOnce(&[u8], ColumnType, usize, &mut Decoder) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let column_type = self.entry(column)?.column_type;
        // What has no distinct values is not worth hashing.
        if !matches!(column_type.data_type, DataType::String | DataType::Binary) {
            return Ok(None);
        }
        // Codes that are predicted from other columns are not to be had without those.
        if self.needed(column, row_group)?.iter().any(Option::is_some) {
            return Ok(None);
        }
        self.check_chunk(column, row_group, stored)?;
        read(stored, column_type, self.rows_of(row_group)?, &mut Decoder::new(self.column_limit))
    }

    fn range(&self, column: usize, row_group: usize) -> Result<Range<u64>> {
        let range = self.block(column)?.ranges.get(row_group).cloned();
        range.ok_or_else(|| Error::invalid("rowGroup", format!("{row_group} is not there")))
    }

    /// Decodes a column; with its values, if that is wanted, even if it has codes.
    fn decode_parent(
        &self,
        file: &File,
        column: usize,
        group: &mut RowGroup<'_>,
        is_whole: bool,
    ) -> Result<Arc<Parent>> {
        let index = group.index();
        let known = group.decoded(column).map(Arc::clone);
        let is_first = known.is_none();
        let decoded = match known {
            Some(known) if known.is_whole() || !is_whole => return Ok(known),
            Some(known) => known,
            None => self.with_parents(file, column, group, |stored, parents| {
                self.decode_chunk(column, index, (stored, parents)).map(Arc::new)
            })?,
        };
        let decoded = if is_whole {
            chunk::whole(&decoded).map_err(|error| error.in_column(file.name(column)).in_section("data"))?
        } else {
            decoded
        };
        group.keep(column, Arc::clone(&decoded), file.parents_of(column, index).filter(|_| is_first));
        Ok(decoded)
    }

    /// Does something with the bytes of a chunk and its decoded parents.
    fn with_parents<T>(
        &self,
        file: &File,
        column: usize,
        group: &mut RowGroup<'_>,
        act: impl FnOnce(&[u8], &Parents) -> Result<T>,
    ) -> Result<T> {
        let needed = file.needed(column, group.index())?;
        // The neural codec looks into text.
        let is_whole = group.stored(column).is_some_and(neural::is_neural);
        let parents =
            needed.into_iter().map(|parent| parent.map(|parent| self.decode_parent(file, parent, group, is_whole)));
        let parents: Parents = parents.map(Option::transpose).collect::<Result<_>>()?;
        let name = file.name(column);
        let range = self.range(column, group.index()).map_err(|error| error.in_column(name))?;
        stored_of(group, column, &range)
            .and_then(|stored| act(stored, &parents))
            .map_err(|error| error.in_column(name).in_section("data").at(range.start))
    }
}

impl Body for Version2 {
    fn digest(&self) -> [u8; DIGEST_SIZE] {
        self.trailer.digest
    }

    fn statistics(&self, schema: &Schema) -> Result<Vec<Option<ColumnStatistics>>> {
        let columns = schema.columns.iter().enumerate();
        columns
            .map(|(column, field)| self.statistics_of(column).map(Some).map_err(|error| error.in_column(&field.name)))
            .collect()
    }

    fn chunk_statistics(&self, column: usize, row_group: usize) -> Option<&ColumnStatistics> {
        self.entries.get(column)?.block.as_ref()?.statistics.get(row_group)
    }

    fn verifier(&mut self, schema: &Schema, segments: &Segments) -> Step<Verifier> {
        let columns: Vec<usize> = (0..self.entries.len()).collect();
        let is_mismatch = |error: &Error| error.code() == Code::ChecksumMismatch;
        // Where a block is damaged, its own digest tells, and nothing can be said of what it lists.
        let is_damaged = self.load_but(&columns, true, schema, segments, is_mismatch)?;
        let part =
            |range: Range<u64>, expected: Sha, section, column, group| Part { range, expected, section, column, group };
        let mut parts = vec![
            part(0..HEADER_SIZE, Sha256::digest(version2::header()).into(), "header", None, None),
            // The digest covers the first fields of the trailer, too.
            part(self.tail.footer.start..self.tail.trailer.start + 16, self.trailer.digest, "footer", None, None),
        ];
        for (column, entry) in self.entries.iter().enumerate() {
            if let Place::Located { digest, .. } = &entry.place {
                parts.push(part(entry.range.clone(), *digest, "block", Some(column), None));
            }
            let Some(block) = &entry.block else { continue };
            let digests = entry.digests.iter().flatten();
            for (group, (range, digest)) in block.ranges.iter().zip(digests).enumerate() {
                parts.push(part(range.clone(), *digest, "chunk", Some(column), Some(group)));
            }
            if let Digests::Located(digest) = &block.digests {
                let size = block::digests_size(self.rows.len());
                let start = self.data_end + size * to_u64(column);
                parts.push(part(start..start + size, *digest, "digests", Some(column), None));
            }
        }
        sort_by_key(&mut parts, |part| (part.range.start, part.range.end));
        let mut next = 0;
        for part in parts.iter().filter(|_| !is_damaged) {
            if part.range.start != next {
                let message = format!("bytes {next} to {} belong to no part of the file, or to two", part.range.start);
                return Err(Error::corrupt(message).at(next.min(part.range.start)).into());
            }
            next = part.range.end;
        }
        Ok(Verifier::parts(parts, self.trailer.digest))
    }

    fn locate(&mut self, columns: &[usize], schema: &Schema, segments: &Segments) -> Step<()> {
        let sha256 = self.check == Check::Sha256;
        self.load(columns, sha256, schema, segments)
    }

    fn records(&self, schema: &Schema) -> Vec<Record> {
        let columns = self.entries.iter().zip(&schema.columns).enumerate();
        let chunks = columns.flat_map(|(column, (entry, field))| {
            let ranges = entry.block.iter().flat_map(|block| block.ranges.iter().enumerate());
            ranges.map(move |(row_group, range)| Record {
                column: Some(column),
                name: field.name.clone(),
                row_group,
                header: range.start,
                range: range.clone(),
                codec: None,
                group: None,
                parents: entry.block.iter().flat_map(|block| block.needed(row_group)).flatten().collect(),
            })
        });
        let mut records: Vec<Record> = chunks.collect();
        sort_by_key(&mut records, |record| record.range.start);
        records
    }

    fn chunk(&self, column: usize, row_group: usize, _is_lost: bool) -> Result<Option<Range<u64>>> {
        self.range(column, row_group).map(Some)
    }

    fn needed(&self, column: usize, row_group: usize) -> Result<Vec<Option<usize>>> {
        if self.entry(column)?.chain.is_none() {
            return Err(Error::invalid("column", "was not located"));
        }
        Ok(self.block(column)?.needed(row_group).collect())
    }

    fn decode(&self, file: &File, column: usize, group: &mut RowGroup<'_>, is_whole: bool) -> Decoded {
        // Bytes have no other form.
        let is_whole = is_whole || self.entry(column)?.column_type.data_type == DataType::Binary;
        Ok((self.decode_parent(file, column, group, is_whole)?, Vec::new()))
    }

    fn explain(&self, file: &File, column: usize, group: &mut RowGroup<'_>) -> Result<Option<String>> {
        let index = group.index();
        let nodes =
            self.with_parents(file, column, group, |stored, parents| self.describe(column, index, stored, parents))?;
        let parents = self.needed(column, index)?;
        let mut text = String::new();
        let mut depth = 0;
        for (place, node) in nodes.iter().enumerate() {
            if node.depth > depth {
                text.push('(');
            } else {
                text.extend((node.depth..depth).map(|_| ')'));
                text.push_str(if place > 0 { ", " } else { "" });
            }
            depth = node.depth;
            text.push_str(node.name);
            let names = node.parents.iter().filter_map(|&parent| parents.get(usize::from(parent)).copied().flatten());
            let names: Vec<&str> = names.map(|parent| file.name(parent)).collect();
            if !names.is_empty() {
                text.push_str(" by ");
                text.push_str(&names.join(", "));
            }
        }
        text.extend((0..depth).map(|_| ')'));
        Ok(Some(text))
    }

    fn distinct_values(&self, column: usize, row_group: usize, stored: &[u8]) -> Result<Option<Column>> {
        self.read_distinct(column, row_group, stored, chunk::distinct_values)
    }

    fn distinct_codes(&self, column: usize, row_group: usize, stored: &[u8]) -> Result<Option<Vec<u32>>> {
        self.read_distinct(column, row_group, stored, chunk::distinct_codes)
    }

    fn column_type(&self, column: usize) -> Option<ColumnType> {
        self.entries.get(column).map(|entry| entry.column_type)
    }

    #[cfg(feature = "writer")]
    fn continued(&self, file: &File) -> Result<(Footer, Vec<ColumnChunks>)> {
        let footer = Footer {
            schema: file.schema.clone(),
            types: self.entries.iter().map(|entry| entry.column_type).collect(),
            requires: self.entries.iter().map(|entry| entry.requires.clone()).collect(),
            rows: self.rows.clone(),
            created: file.created,
            modified: file.modified,
            data_end: self.data_end,
            directory: Vec::new(),
            extra: self.extra.clone(),
        };
        let columns = self.entries.iter().enumerate().map(|(column, entry)| {
            let digests = entry.digests.clone();
            let digests =
                digests.ok_or_else(|| Error::corrupt("what lists its chunks is damaged, or was not loaded"))?;
            Ok((self.block(column)?.clone(), digests, self.statistics_of(column)?))
        });
        Ok((footer, columns.collect::<Result<_>>()?))
    }
}

/// A column's chunks, their digests, and its statistics as a whole.
#[cfg(feature = "writer")]
pub type ColumnChunks = (Block, Vec<Sha>, ColumnStatistics);

fn check_sha(bytes: &[u8], expected: &Sha) -> Result<()> {
    let actual: Sha = Sha256::digest(bytes).into();
    if actual == *expected {
        return Ok(());
    }
    Err(Error::checksum(expected, &actual))
}
