//! Sets of values to look for.

/// Ascending values without duplicates, and a table of keys that tells most others apart without comparing them.
#[derive(Clone, Debug, PartialEq)]
pub struct Set<T> {
    values: Vec<T>,
    keys: Keys,
}

impl<T> Set<T> {
    /// Of ascending values without duplicates; equal values have equal keys.
    pub fn new(values: Vec<T>, key: impl Fn(&T) -> u64) -> Self {
        let keys = Keys::new(values.len(), values.iter().map(key));
        Set { values, keys }
    }

    /// The values.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Whether a value of it has that key.
    #[inline]
    pub fn has_key(&self, key: u64) -> bool {
        self.keys.contains(key)
    }
}

/// Keys in a table of at least twice their number, each as soon behind the place that its hash names as there was room.
#[derive(Clone, Debug, PartialEq)]
struct Keys {
    /// Zero is free; the number of slots is a power of two.
    slots: Vec<u64>,
    has_zero: bool,
}

impl Keys {
    fn new(count: usize, keys: impl Iterator<Item = u64>) -> Self {
        let mut table = Keys { slots: vec![0; (count * 2).next_power_of_two()], has_zero: false };
        for key in keys {
            table.has_zero |= key == 0;
            let mut at = table.start(key);
            while let Some(slot) = table.slots.get_mut(at) {
                if *slot == 0 || *slot == key {
                    *slot = key;
                    break;
                }
                at = table.next(at);
            }
        }
        table
    }

    /// Where to look for a key first. The mixing is the finaliser of MurmurHash3 (Appleby, public domain).
    #[inline]
    fn start(&self, key: u64) -> usize {
        let mut mixed = key;
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are what is wanted")]
        let low = (mixed ^ (mixed >> 33)) as usize;
        low & (self.slots.len() - 1)
    }

    #[inline]
    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    #[inline]
    fn contains(&self, key: u64) -> bool {
        if key == 0 {
            return self.has_zero;
        }
        let mut at = self.start(key);
        // Half of the slots are free, which ends the search.
        loop {
            match self.slots.get(at) {
                Some(&slot) if slot == key => return true,
                None | Some(0) => return false,
                Some(_) => at = self.next(at),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    #[test]
    fn keys_are_found_and_others_are_not() {
        let mut next = noise(3);
        for count in [0, 1, 2, 7, 1000] {
            let mut values: Vec<u64> = (0..count).map(|_| next() % 3000).collect();
            values.sort_unstable();
            values.dedup();
            let set = Set::new(values.clone(), |value| *value);
            for value in 0..3001 {
                assert_eq!(set.has_key(value), values.binary_search(&value).is_ok(), "{value} of {count}");
            }
        }
    }

    #[test]
    fn equal_keys_of_different_values_fill_one_slot() {
        let set = Set::new((0..100_000u64).collect(), |_| 7);
        assert!(set.has_key(7) && !set.has_key(8));
    }
}
