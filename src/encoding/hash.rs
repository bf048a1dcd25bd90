//! A quick hash. Values are no adversary's keys where sizes only depend on it; where time does, [`number`] gives up in time.

/// A multiplicative hash.
#[cfg(feature = "writer")]
#[derive(Clone, Copy, Debug, Default)]
pub struct QuickHash(u64);

#[cfg(feature = "writer")]
impl std::hash::Hasher for QuickHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = mix(self.0.rotate_left(26) ^ value);
    }
}

/// Spreads the bits of a number, those of floats too, whose lower half is mostly zero.
pub fn mix(value: u64) -> u64 {
    let mixed = (value ^ (value >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 32)
}

/// Spreads the bits of a number over all of it (the finaliser of MurmurHash3, Appleby 2011).
#[cfg(feature = "writer")]
pub fn avalanche(value: u64) -> u64 {
    let value = (value ^ value >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let value = (value ^ value >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ value >> 33
}

/// Whether bytes, most of them few, are equal: without a call where there are eight.
#[cfg(feature = "writer")]
#[inline]
pub fn are_equal(a: &[u8], b: &[u8]) -> bool {
    match (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(end), Some(other)) => {
            a.len() == b.len()
                && end == other
                && a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0).all(|(a, b)| a == b)
        }
        _ => a == b,
    }
}

/// A hash of bytes, most of them few.
#[inline]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    // The last word overlaps the one before where the length is no multiple of it.
    let word = |word: Option<&[u8; 8]>| u64::from_le_bytes(word.copied().unwrap_or_default());
    let half = |half: Option<&[u8; 4]>| u64::from(u32::from_le_bytes(half.copied().unwrap_or_default()));
    let byte = |at: usize| u64::from(bytes.get(at).copied().unwrap_or_default());
    let mut hash = crate::bytes::to_u64(bytes.len());
    match bytes.len() {
        0..4 => mix(hash << 56 ^ byte(0) ^ byte(bytes.len() / 2) << 8 ^ byte(bytes.len().saturating_sub(1)) << 16),
        4..=8 => mix(mix(hash ^ half(bytes.first_chunk())) ^ half(bytes.last_chunk()) << 16),
        _ => {
            for chunk in bytes.chunks_exact(8) {
                hash = mix(hash.rotate_left(26) ^ word(chunk.first_chunk()));
            }
            mix(hash.rotate_left(26) ^ word(bytes.last_chunk()))
        }
    }
}

/// A hash of numbers.
#[cfg(feature = "writer")]
pub fn hash_words(words: &[u64]) -> u64 {
    // Lanes do not wait for each other.
    let step = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let (blocks, rest) = words.as_chunks::<4>();
    let mut lanes = [1u64, 2, 3, 4];
    for block in blocks {
        lanes.iter_mut().zip(block).for_each(|(lane, &word)| *lane = step(*lane, word));
    }
    let all = lanes.into_iter().chain(rest.iter().copied());
    all.fold(crate::bytes::to_u64(words.len()), step)
}

/// Builds [`QuickHash`]es.
#[cfg(feature = "writer")]
pub type QuickHashBuilder = std::hash::BuildHasherDefault<QuickHash>;

/// The distinct values of some rows, numbered in the order of their first appearance.
pub struct Numbered {
    /// The first row of each.
    pub firsts: Vec<usize>,
    /// The number of that of each row.
    pub numbers: Vec<u32>,
}

/// Numbers the values of rows, which are fewer than 2^32; `None` where more than `most` are distinct, or too many have
/// equal hashes.
pub fn number(
    rows: impl Iterator<Item = usize>,
    most: usize,
    hash: impl Fn(usize) -> u64,
    is_same: impl Fn(usize, usize) -> bool,
) -> Option<Numbered> {
    let mut numbering = Numbering::<u32>::new(rows.size_hint().0, most);
    let mut firsts: Vec<usize> = Vec::new();
    let mut numbers = Vec::with_capacity(rows.size_hint().0);
    let mut last = None;
    for row in rows {
        // Many columns hold the same for some rows; then there is nothing to look up.
        let number = match last.filter(|&(before, _)| is_same(before, row)) {
            Some((_, number)) => number,
            None => {
                let first = |number: usize| firsts.get(number).copied();
                let tag = u32::try_from(hash(row) >> 32).unwrap_or_default();
                let number = numbering.number(tag, |number| first(number).is_some_and(|first| is_same(first, row)))?;
                if number == firsts.len() {
                    firsts.push(row);
                }
                u32::try_from(number).ok()?
            }
        };
        numbers.push(number);
        last = Some((row, number));
    }
    Some(Numbered { firsts, numbers })
}

/// The same for values that are words.
#[inline(never)]
pub fn number_words(words: &[u64], most: usize) -> Option<Numbered> {
    let mut numbering = Numbering::<u64>::new(words.len(), most);
    let mut firsts: Vec<usize> = Vec::new();
    let mut numbers = vec![0; words.len()];
    let (mut last, mut known) = (None, 0);
    for (row, (&word, number)) in words.iter().zip(&mut numbers).enumerate() {
        if last != Some(word) {
            let found = numbering.number(word, |_| true)?;
            if found == firsts.len() {
                firsts.push(row);
            }
            (last, known) = (Some(word), u32::try_from(found).ok()?);
        }
        *number = known;
    }
    Some(Numbered { firsts, numbers })
}

#[cfg(feature = "writer")]
impl Numbered {
    /// The first rows in the order of their values, and for each row the position of its value among them. The order is
    /// that of keys, and where these are equal, by comparison.
    pub fn ranked(
        self,
        key: impl Fn(usize) -> u64,
        compare: &dyn Fn(usize, usize) -> std::cmp::Ordering,
    ) -> (Vec<usize>, Vec<u64>) {
        let first = |number: usize| self.firsts.get(number).copied().unwrap_or_default();
        let mut order: Vec<(u64, usize)> = self.firsts.iter().map(|&row| key(row)).zip(0..).collect();
        sort_ranked(&mut order, &|a, b| compare(first(a), first(b)));
        let mut ranks = vec![0u64; order.len()];
        for (rank, &(_, number)) in (0..).zip(&order) {
            if let Some(slot) = ranks.get_mut(number) {
                *slot = rank;
            }
        }
        let rank = |&number: &u32| usize::try_from(number).ok().and_then(|number| ranks.get(number)).copied();
        let codes = self.numbers.iter().map(|number| rank(number).unwrap_or_default()).collect();
        (order.into_iter().map(|(_, number)| first(number)).collect(), codes)
    }
}

#[cfg(feature = "writer")]
fn sort_ranked(order: &mut [(u64, usize)], compare: &dyn Fn(usize, usize) -> std::cmp::Ordering) {
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| compare(a.1, b.1)));
}

/// What a table knows of a value: a part of its hash, or all of it.
trait Tag: Copy + Eq + Default {
    /// Which slot is the first one to look at.
    fn start(self) -> u64;
}

/// The upper half of a hash, which is the better mixed one.
impl Tag for u32 {
    fn start(self) -> u64 {
        self.into()
    }
}

/// A value itself.
impl Tag for u64 {
    fn start(self) -> u64 {
        mix(self) >> 32
    }
}

/// Numbers distinct values in the order of their first appearance: a table of tags, open addressing.
struct Numbering<T> {
    /// A tag, and the number plus one; 0 where nothing is.
    slots: Vec<(T, u32)>,
    used: usize,
    most: usize,
    /// How often a slot may still be taken by another value: values can be an adversary's.
    probes: usize,
}

impl<T: Tag> Numbering<T> {
    /// Slots that may be looked at per value.
    const MAX_PROBES: usize = 16;
    /// Fewest and most slots at first.
    const SLOTS: (usize, usize) = (16, 1024);

    /// For so many values, of which at most so many are distinct.
    fn new(values: usize, most: usize) -> Self {
        let slots = values.clamp(Self::SLOTS.0, Self::SLOTS.1).next_power_of_two();
        Numbering { slots: vec![(T::default(), 0); slots], used: 0, most, probes: Self::SLOTS.1 }
    }

    /// The number of a value, which is that of the next new one where it was not seen; `None` where there are too many,
    /// or too many with equal tags.
    #[inline]
    fn number(&mut self, tag: T, is_same: impl Fn(usize) -> bool) -> Option<usize> {
        let mut at = self.start(tag);
        self.probes += Self::MAX_PROBES;
        loop {
            let (known, number) = self.slots.get(at).copied()?;
            if number == 0 {
                return self.insert(at, tag);
            }
            if known == tag {
                let number = usize::try_from(number - 1).ok()?;
                if is_same(number) {
                    return Some(number);
                }
            }
            self.probes = self.probes.checked_sub(1)?;
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// Gives the next number to what has its place there.
    fn insert(&mut self, at: usize, tag: T) -> Option<usize> {
        if self.used == self.most {
            return None;
        }
        self.used += 1;
        *self.slots.get_mut(at)? = (tag, u32::try_from(self.used).ok()?);
        if self.used * 2 > self.slots.len() {
            self.grow()?;
        }
        Some(self.used - 1)
    }

    fn start(&self, tag: T) -> usize {
        usize::try_from(tag.start()).unwrap_or_default() & (self.slots.len() - 1)
    }

    #[cold]
    fn grow(&mut self) -> Option<()> {
        let old = std::mem::take(&mut self.slots);
        self.slots = vec![(T::default(), 0); old.len() * 4];
        self.probes += self.slots.len();
        for slot in old.into_iter().filter(|&(_, number)| number != 0) {
            let mut at = self.start(slot.0);
            while self.slots.get(at).is_some_and(|&(_, number)| number != 0) {
                self.probes = self.probes.checked_sub(1)?;
                at = (at + 1) & (self.slots.len() - 1);
            }
            *self.slots.get_mut(at)? = slot;
        }
        Some(())
    }
}
