//! What the native benchmarks share.

use ncf::bytes::{Interrupt, Segments};
use ncf::column::Column;
use ncf::reader::{Assembly, File, OpenOptions, RowGroup, Rows};

/// A splitmix64 generator: the same seed gives the same run.
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Reads all columns of a file in memory, without checking its SHA-256.
pub fn read(bytes: &[u8]) -> ncf::Result<Vec<Column>> {
    let failed = |interrupt: Interrupt| match interrupt {
        Interrupt::Failed(error) => error,
        Interrupt::Need(ranges) => panic!("{ranges:?} of a file that is all there"),
    };
    let mut segments = Segments::new(bytes.len() as u64);
    segments.supply(0, bytes.to_vec())?;
    let mut file = File::open(&segments, &OpenOptions::default()).map_err(failed)?;
    let all: Vec<usize> = (0..file.schema().columns.len()).collect();
    file.locate(&all, &segments).map_err(failed)?;
    let mut assemblies: Vec<Assembly> = all.iter().map(|&column| Assembly::new(column)).collect();
    for index in 0..file.row_groups().len() {
        let mut group = RowGroup::new(index);
        for &column in &all {
            if let Some(range) = file.chunk(column, index)? {
                group.supply(column, segments.get(range).map_err(failed)?);
            }
        }
        for assembly in &mut assemblies {
            assembly.push(&file, &mut group, Rows::Range(0..u64::MAX))?;
        }
    }
    assemblies.into_iter().map(|assembly| Ok(assembly.finish(&file)?.0)).collect()
}
