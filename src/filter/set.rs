//! Sets of values to look for.

/// How a value is hashed and compared. Equal values have equal hashes.
pub trait Member<Q: ?Sized = Self> {
    /// A hash of a value to look for.
    fn hash(value: &Q) -> u64;

    /// Whether this is the value.
    fn is(&self, value: &Q) -> bool;
}

/// Values without duplicates, and a hash table of their positions with at least four times as many slots, in which
/// each has the first that was free from the place on that its hash names.
#[derive(Clone, Debug, PartialEq)]
pub struct Set<T> {
    values: Vec<T>,
    /// One more than a position; zero is free. The number of slots is a power of two.
    slots: Vec<u32>,
}

impl<T> Set<T> {
    /// A set for up to so many values.
    pub fn with_capacity(capacity: usize) -> Self {
        Set { values: Vec::new(), slots: vec![0; (capacity * 4).next_power_of_two()] }
    }

    /// The values, in the order in which they came.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Where a value is, or the free slot where it belongs.
    fn find<Q: ?Sized>(&self, value: &Q) -> Result<usize, usize>
    where
        T: Member<Q>,
    {
        let mask = self.slots.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "the low bits are what is wanted")]
        let mut at = mix(T::hash(value)) as usize & mask;
        // Most slots are free, which ends the search.
        loop {
            let known = self.slots.get(at).and_then(|slot| slot.checked_sub(1));
            match known.and_then(|position| self.values.get(position as usize)) {
                None => return Err(at),
                Some(known) if known.is(value) => return Ok(at),
                Some(_) => at = (at + 1) & mask,
            }
        }
    }

    /// Whether it has the value.
    #[inline]
    pub fn contains<Q: ?Sized>(&self, value: &Q) -> bool
    where
        T: Member<Q>,
    {
        self.find(value).is_ok()
    }

    /// Adds a value, within the capacity.
    pub fn insert(&mut self, value: T)
    where
        T: Member,
    {
        if let Err(at) = self.find(&value)
            && let Some(slot) = self.slots.get_mut(at)
        {
            self.values.push(value);
            // Filters have far less than 2^32 values.
            *slot = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        }
    }
}

/// Spreads what tells numbers apart over all bits: the finaliser of MurmurHash3 (Appleby, public domain).
#[inline]
fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

impl Member for i128 {
    #[inline]
    fn hash(value: &i128) -> u64 {
        #[expect(clippy::cast_possible_truncation, reason = "the low half tells most values apart")]
        let hash = *value as u64;
        hash
    }

    #[inline]
    fn is(&self, value: &i128) -> bool {
        self == value
    }
}

/// NaN is no member of a set.
impl Member for f64 {
    #[inline]
    fn hash(value: &f64) -> u64 {
        // Zeros are equal, and the sum has no negative one.
        (value + 0.0).to_bits()
    }

    #[inline]
    fn is(&self, value: &f64) -> bool {
        self == value
    }
}

impl Member<[u8]> for Vec<u8> {
    fn hash(value: &[u8]) -> u64 {
        xxhash_rust::xxh3::xxh3_64(value)
    }

    fn is(&self, value: &[u8]) -> bool {
        self == value
    }
}

impl Member for Vec<u8> {
    fn hash(value: &Vec<u8>) -> u64 {
        <Vec<u8> as Member<[u8]>>::hash(value)
    }

    fn is(&self, value: &Vec<u8>) -> bool {
        self == value
    }
}

impl<T: Member> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let values: Vec<T> = values.into_iter().collect();
        let mut set = Set::with_capacity(values.len());
        values.into_iter().for_each(|value| set.insert(value));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    #[test]
    fn members_are_found_and_others_are_not() {
        let mut next = noise(3);
        for count in [0, 1, 2, 7, 1000] {
            let values: Vec<i128> = (0..count).map(|_| i128::from(next() % 3000) << 60).collect();
            let set: Set<i128> = values.iter().copied().collect();
            for value in (0..3001).map(|value| value << 60) {
                assert_eq!(set.contains(&value), values.contains(&value), "{value} of {count}");
            }
            let once: Vec<i128> =
                values.iter().enumerate().filter(|(at, v)| !values[..*at].contains(v)).map(|p| *p.1).collect();
            assert_eq!(set.values(), once);
        }
    }

    #[test]
    fn zeros_are_one_value_and_bytes_are_compared_in_full() {
        let set: Set<f64> = [-0.0, 1.5, 0.0].into_iter().collect();
        assert_eq!(set.values().len(), 2);
        assert!(set.contains(&0.0) && set.contains(&-0.0) && !set.contains(&f64::NAN) && !set.contains(&2.0));
        let set: Set<Vec<u8>> = (0..500).map(|i| format!("value {i}").into_bytes()).collect();
        assert!(set.contains(&b"value 499"[..]) && !set.contains(&b"value 500"[..]) && !set.contains(&b""[..]));
    }
}
