//! What was last seen beside the same parents.

/// One entry: the values beside one key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    check: u32,
    /// How often in a row the last value came again, up to 15.
    pub run: u32,
    /// The last value.
    pub last: u64,
    /// The last other value.
    pub before: u64,
    /// Running mean of how much values exceeded what was expected, times 16.
    mean: i64,
    /// How many values were seen, up to 16.
    pub count: i64,
}

/// Largest difference that a mean takes in full.
const MEAN_LIMIT: i64 = 1 << 52;

impl Seen {
    /// What to add to an expectation.
    pub fn mean(&self) -> i64 {
        self.mean >> 4
    }

    /// The last value, where there is one.
    pub fn last(&self) -> Option<u64> {
        (self.count > 0).then_some(self.last)
    }

    /// The last other value, where there is one.
    pub fn before(&self) -> Option<u64> {
        (self.count > 0).then_some(self.before)
    }

    fn learn(&mut self, value: u64, expected: i64) {
        if self.count == 0 {
            self.before = value;
        } else if self.last == value {
            self.run = (self.run + 1).min(15);
        } else {
            self.before = self.last;
            self.run = 0;
        }
        self.last = value;
        let excess = value.cast_signed().wrapping_sub(expected).clamp(-MEAN_LIMIT, MEAN_LIMIT) * 16;
        self.count = (self.count + 1).min(16);
        self.mean += (excess - self.mean) / self.count;
    }
}

/// Entries by key, of which the first bits say where and all say whose. A new key takes the place of an old one.
#[derive(Debug)]
pub struct Memory {
    entries: Vec<Seen>,
    bits: u32,
}

impl Memory {
    /// A memory of `2^bits` entries, `1 <= bits <= 31`.
    pub fn new(bits: u32) -> Self {
        Memory { entries: vec![Seen::default(); 1 << bits], bits }
    }

    fn entry(&mut self, key: u32) -> Option<&mut Seen> {
        let entry = self.entries.get_mut((key >> (32 - self.bits)) as usize)?;
        if entry.check != key | 1 {
            *entry = Seen { check: key | 1, ..Seen::default() };
        }
        Some(entry)
    }

    /// What was seen beside a key.
    pub fn recall(&mut self, key: u32) -> Seen {
        self.entry(key).map(|entry| *entry).unwrap_or_default()
    }

    /// Adds a value beside a key.
    pub fn learn(&mut self, key: u32, value: u64, expected: i64) {
        if let Some(entry) = self.entry(key) {
            entry.learn(value, expected);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_last_two_values_and_the_mean() {
        let mut memory = Memory::new(4);
        assert_eq!(memory.recall(7).last(), None);
        for value in [10, 10, 10, 14] {
            memory.learn(7, value, 8);
        }
        let seen = memory.recall(7);
        assert_eq!((seen.last(), seen.before(), seen.run, seen.count, seen.mean()), (Some(14), Some(10), 0, 4, 3));
        // Another key of the same entry.
        assert_eq!(memory.recall(9).last(), None);
        assert_eq!(memory.recall(7).last(), None);
    }

    #[test]
    fn extreme_values_do_not_overflow() {
        let mut memory = Memory::new(1);
        for (value, expected) in [(u64::MAX, i64::MAX), (0, i64::MIN), (1 << 63, i64::MAX), (u64::MAX >> 1, i64::MIN)] {
            for _ in 0..40 {
                memory.learn(0, value, expected);
            }
        }
        assert_eq!(memory.recall(0).count, 16);
    }
}
