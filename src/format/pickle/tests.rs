use super::samples::*;
use super::*;
use crate::column::{Bitmap, VarBytes};
use crate::error::ErrorKind;
use crate::schema::TimeUnit;

const D: DataType = DataType::Date;
const T: DataType = DataType::Timestamp;
const B: DataType = DataType::Boolean;
const X: DataType = DataType::Binary;
const N: DataType = DataType::Decimal;

/// What decoding gives, and the codes of the warnings.
fn read(bytes: &[u8], declared: DataType) -> (Column, Vec<&'static str>) {
    let decoded = decode(bytes, declared).unwrap_or_else(|error| panic!("{error}"));
    let codes = decoded.warnings.iter().map(|warning| warning.code.as_str()).collect();
    (decoded.column, codes)
}

fn clean(bytes: &[u8], declared: DataType) -> Column {
    let (column, warnings) = read(bytes, declared);
    assert_eq!(warnings, [""; 0]);
    assert_eq!(column.values().data_type(), declared);
    column
}

fn refusal(bytes: &[u8], declared: DataType) -> String {
    let error = decode(bytes, declared).unwrap_err();
    format!("{}: {error}", error.code().as_str())
}

/// A column of `values` with nulls at some rows.
fn column(values: Values, nulls: &[usize]) -> Column {
    let validity = (0..values.len()).map(|row| !nulls.contains(&row)).collect();
    Column::new(values, Some(validity)).unwrap()
}

fn bits(bits: &[bool]) -> Values {
    Values::Boolean(bits.iter().copied().collect())
}

fn var(values: &[&[u8]]) -> VarBytes {
    let mut out = VarBytes::default();
    values.iter().for_each(|value| out.push(value).unwrap());
    out
}

fn times(unit: TimeUnit, utc: bool, values: &[i64]) -> Values {
    let values = values.to_vec();
    Values::Timestamp { unit, utc, values }
}

fn decimals(scale: u8, values: &[i128]) -> Values {
    Values::Decimal { precision: 38, scale, values: values.to_vec() }
}

/// An array pickled by hand: dtype code, byte order, item size, unit of times, rows, and the instructions of its data.
fn array(code: &str, order: &str, size: i32, unit: Option<(&[u8], u8)>, rows: u8, data: &[u8]) -> Vec<u8> {
    let text = |text: &str| [&[0x8c, text.len() as u8], text.as_bytes()].concat();
    let mut out = b"\x80\x04".to_vec();
    out.extend([text("numpy._core.multiarray"), text("_reconstruct"), vec![0x93]].concat());
    out.extend([text("numpy"), text("ndarray"), b"\x93K\0\x85C\x01b\x87R(K\x01K".to_vec()].concat());
    out.extend([rows, 0x85]);
    out.extend([text("numpy"), text("dtype"), vec![0x93], text(code), b"\x89\x88\x87R(".to_vec()].concat());
    out.extend([&b"K\x04"[..], &text(order), b"NNNJ", &size.to_le_bytes(), b"K\x01K\0"].concat());
    if let Some((unit, multiple)) = unit {
        out.extend([&b"}(C"[..], &[unit.len() as u8], unit, b"K", &[multiple], b"K\x01K\x01t\x86"].concat());
    }
    out.extend(b"tb\x89");
    out.extend(data);
    out.extend(b"tb.");
    out
}

fn raw(code: &str, order: &str, size: i32, rows: u8, data: &[u8]) -> Vec<u8> {
    array(code, order, size, None, rows, &[&[b'C', data.len() as u8], data].concat())
}

fn objects(rows: u8, items: &[u8]) -> Vec<u8> {
    array("O8", "|", -1, None, rows, &[b"](", items, b"e"].concat())
}

fn datetimes(unit: &str, multiple: u8, counts: &[i64]) -> Vec<u8> {
    let data: Vec<u8> = counts.iter().flat_map(|count| count.to_le_bytes()).collect();
    let data = [&[b'C', data.len() as u8], &data[..]].concat();
    array("M8", "<", -1, Some((unit.as_bytes(), multiple)), counts.len() as u8, &data)
}

#[test]
fn booleans() {
    let expected = column(bits(&[true, false, true]), &[]);
    for bytes in [BOOL, BOOL_PROTOCOL5, BOOL_READ_ONLY, BOOL_NUMPY1, BOOL_NUMPY1_PROTOCOL5] {
        assert_eq!(clean(bytes, B), expected);
    }
    assert_eq!(clean(BOOL_OBJECTS, B), column(bits(&[true, false, false, false]), &[1, 3]));
    assert_eq!(clean(BOOL_PANDAS, B), column(bits(&[true, false, false]), &[1]));
    assert_eq!(clean(&raw("i1", "|", -1, 3, &[1, 0, 1]), B), expected);
    assert_eq!(clean(&objects(3, b"K\x01NK\0"), B), column(bits(&[true, false, false]), &[1]));
    assert_eq!(read(&raw("i1", "|", -1, 1, &[2]), B), (column(Values::Int8(vec![2]), &[]), vec!["type-differs"]));
}

#[test]
fn dates() {
    let days = vec![19_782, 0, -719_162, 2_932_896, 19_782];
    assert_eq!(clean(DATES, D), column(Values::Date(days.clone()), &[1]));
    let seconds: Vec<_> = days.iter().map(|&days| i64::from(days) * 86_400).collect();
    assert_eq!(clean(DATES, T), column(times(TimeUnit::Second, false, &seconds), &[1]));
    assert_eq!(clean(DATES_NUMPY, D), column(Values::Date(vec![19_782, 0, -1]), &[1]));
    let seconds = times(TimeUnit::Second, false, &[19_782 * 86_400, 0, -86_400]);
    assert_eq!(clean(DATES_NUMPY, T), column(seconds, &[1]));
    assert_eq!(read(DATES_NUMPY, X).1, ["type-differs"]);
    assert_eq!(clean(TIMES_MIDNIGHT, D), column(Values::Date(vec![19_723, 0, -1]), &[1]));
    let (found, warnings) = read(TIMES_NS, D);
    assert_eq!((found.values().data_type(), warnings), (T, vec!["type-differs"]));
    for (unit, multiple, counts, days) in [
        ("Y", 1, [54, -1970], [19_723, -719_528]),
        ("M", 1, [-1, 649], [-31, 19_754]),
        ("M", 3, [-1, 216], [-92, 19_723]),
        ("W", 1, [-1, 2], [-7, 14]),
        ("D", 2, [-1, 2], [-2, 4]),
    ] {
        let bytes = datetimes(unit, multiple, &[counts[0], i64::MIN, counts[1]]);
        assert_eq!(clean(&bytes, D), column(Values::Date(vec![days[0], 0, days[1]]), &[1]), "{unit}");
    }
    for (unit, count) in [("D", 1 << 31), ("Y", i64::MAX), ("M", i64::MAX), ("W", i64::MAX), ("Y", i64::MIN + 1)] {
        assert!(refusal(&datetimes(unit, 1, &[count]), D).starts_with("type-mismatch"), "{unit}");
    }
    let seconds = times(TimeUnit::Second, false, &[86_400 << 31]);
    assert_eq!(clean(&datetimes("D", 1, &[1 << 31]), T), column(seconds, &[]));
    assert!(refusal(&datetimes("D", 1, &[i64::MAX]), T).starts_with("type-mismatch"));
}

#[test]
fn timestamps() {
    let expected = times(TimeUnit::Nanosecond, false, &[1_704_067_200_000_000_001, 0, -86_400_000_000_000]);
    assert_eq!(clean(TIMES_NS, T), column(expected, &[1]));
    let expected = times(TimeUnit::Microsecond, false, &[1_704_067_200_000_000, 0]);
    assert_eq!(clean(TIMES_NUMPY24, T), column(expected, &[1]));
    for (name, multiple, count, unit, expected) in [
        ("h", 1, -1, TimeUnit::Second, -3600),
        ("m", 5, 1, TimeUnit::Second, 300),
        ("s", 25, 2, TimeUnit::Second, 50),
        ("ms", 1, i64::MAX, TimeUnit::Millisecond, i64::MAX),
        ("us", 1, i64::MIN + 1, TimeUnit::Microsecond, i64::MIN + 1),
        ("ns", 1, -1, TimeUnit::Nanosecond, -1),
        ("ps", 5, 200, TimeUnit::Nanosecond, 1),
        ("fs", 1, -3_000_000, TimeUnit::Nanosecond, -3),
        ("as", 1, 1_000_000_000, TimeUnit::Nanosecond, 1),
    ] {
        let found = clean(&datetimes(name, multiple, &[count, i64::MIN]), T);
        assert_eq!(found, column(times(unit, false, &[expected, 0]), &[1]), "{name}");
    }
    assert!(refusal(&datetimes("ps", 1, &[1]), T).starts_with("unsupported-feature: not supported: datetime64[ps]"));
    assert!(refusal(&datetimes("h", 1, &[i64::MAX]), T).starts_with("type-mismatch"));
    assert!(refusal(GENERIC_TIMES, T).contains("without a unit"));
}

#[test]
fn timestamps_of_objects() {
    let us = TimeUnit::Microsecond;
    let expected = [1_704_074_584_000_567, 0, -62_135_596_800_000_000, 1_603_593_000_000_000];
    assert_eq!(clean(DATETIMES, T), column(times(us, false, &expected), &[1]));
    let midnight = 1_704_067_200_000_000;
    let expected = [midnight, midnight - 19_800_000_000, midnight + 1_800_000_000];
    assert_eq!(clean(DATETIMES_ZONES, T), column(times(us, true, &expected), &[]));
    assert_eq!(
        read(DATETIMES_MIXED, T),
        (column(times(us, true, &[midnight, midnight - 19_800_000_000]), &[]), vec!["mixed-time-zones"])
    );
    let count = 1_704_070_923_000_000_004;
    let utc = |count| column(times(TimeUnit::Nanosecond, true, &[count, 0]), &[1]);
    assert_eq!(clean(PANDAS_UTC, T), utc(count));
    assert_eq!(clean(PANDAS_PYTZ_UTC, T), utc(count));
    assert_eq!(clean(PANDAS_PYTZ, T), utc(count - 3_600_000_000_000));
    let expected = times(us, false, &[midnight, midnight, midnight, -62_135_596_800_000_000]);
    assert_eq!(clean(PANDAS_UNITS, T), column(expected, &[]));
    // Aware times are instants, which have no date.
    assert_eq!(read(DATETIMES_ZONES, D).1, ["type-differs"]);
    assert_eq!(read(PANDAS_UNITS, D).0, column(Values::Date(vec![19_723, 19_723, 19_723, -719_162]), &[]));
}

/// The instructions of one pandas Timestamp.
fn timestamp(count: i64, code: u8) -> Vec<u8> {
    let module = b"\x8c\x1epandas._libs.tslibs.timestamps\x8c\x13_unpickle_timestamp\x93";
    [&module[..], b"(\x8a\x08", &count.to_le_bytes(), b"NNK", &[code], b"tR"].concat()
}

#[test]
fn times_of_several_units_get_the_finest_that_holds_them() {
    // A whole number of milliseconds in nanoseconds, and seconds that nanoseconds cannot hold.
    let far = 253_402_300_799;
    let bytes = objects(2, &[timestamp(5_000_000, 10), timestamp(far, 7)].concat());
    let expected = times(TimeUnit::Microsecond, false, &[5_000, far * 1_000_000]);
    assert_eq!(clean(&bytes, T), column(expected, &[]));
    let bytes = objects(2, &[timestamp(1, 10), timestamp(far, 7)].concat());
    assert!(refusal(&bytes, T).starts_with("unsupported-feature"));
    assert_eq!(clean(&objects(1, &timestamp(i64::MIN, 10)), T).num_nulls(), 1);
    assert!(refusal(&objects(1, &timestamp(0, 11)), T).starts_with("corrupt"));
}

#[test]
fn decimals_keep_their_value() {
    assert_eq!(clean(DECIMALS, N), column(decimals(3, &[1500, 0, -1, 10_000_000_000_000, 1500]), &[1]));
    let texts = var(&[b"1.50", b"", b"-0", b"1E+10", b"NaN"]);
    assert_eq!(read(DECIMALS_SPECIAL, N), (column(Values::String(texts.clone()), &[1]), vec!["type-differs"]));
    assert_eq!(clean(DECIMALS_SPECIAL, DataType::String), column(Values::String(texts), &[1]));
    // An int beside a decimal, a float NaN as null; scale and exponent too large for 38 digits.
    let decimal = |text: &str| {
        let text = [&[0x8c, text.len() as u8], text.as_bytes()].concat();
        [&b"\x8c\x07decimal\x8c\x07Decimal\x93"[..], &text, b"\x85R"].concat()
    };
    let bytes = objects(3, &[decimal("1.5"), b"K\x02G\x7f\xf8\0\0\0\0\0\0".to_vec()].concat());
    assert_eq!(clean(&bytes, N), column(decimals(1, &[15, 20, 0]), &[2]));
    for text in ["1E-39", "1E+38", "1E-999999999999", "Infinity"] {
        let bytes = objects(2, &[decimal(text), b"K\x02".to_vec()].concat());
        assert_eq!(read(&bytes, N).0, column(Values::String(var(&[text.as_bytes(), b"2"])), &[]), "{text}");
    }
    assert!(refusal(&objects(1, &decimal("1.2.3")), N).starts_with("corrupt"));
}

#[test]
fn bytes_and_text() {
    let values = |values: &[&[u8]]| Values::Binary(var(values));
    assert_eq!(clean(BYTES_FIXED, X), column(values(&[b"ab", b"c", b"\xff\0\x01", b""]), &[]));
    assert_eq!(clean(BYTES_OBJECTS, X), column(values(&[b"ab", b"c\0", b"", &[0; 300]]), &[2]));
    assert_eq!(clean(BYTEARRAYS, X), column(values(&[b"ab", b"", b""]), &[2]));
    assert_eq!(clean(BYTEARRAY_PROTOCOL5, X), column(values(&[b"ab", b""]), &[1]));
    let texts = |values: &[&str]| {
        let values: Vec<_> = values.iter().map(|value| value.as_bytes()).collect();
        Values::String(var(&values))
    };
    let string = DataType::String;
    assert_eq!(clean(TEXT_FIXED, string), column(texts(&["aé", "", "日本😀", "x"]), &[]));
    assert_eq!(clean(TEXT_BIG_ENDIAN, string), column(texts(&["aé", "😀"]), &[]));
    assert_eq!(clean(TEXT_OBJECTS, string), column(texts(&["aé", "", "", &"x".repeat(300)]), &[1]));
    assert_eq!(read(TEXT_FIXED, X), (clean(TEXT_FIXED, string), vec!["type-differs"]));
    assert!(refusal(&raw("U1", "<", 4, 1, &[0, 0xd8, 0, 0]), string).starts_with("corrupt"));
    assert!(refusal(&raw("U1", "<", 4, 1, &[0, 0, 0x11, 0]), string).starts_with("corrupt"));
    assert!(refusal(&objects(1, b"\x8c\x03\xed\xa0\x80"), string).starts_with("corrupt"));
}

#[test]
fn numbers() {
    assert_eq!(
        read(INTS_OBJECTS, X),
        (column(Values::Int64(vec![1, 0, 300, 70_000, -1, 1 << 40, 0]), &[1, 6]), vec!["type-differs"])
    );
    assert_eq!(clean(INTS_OBJECTS, N), column(decimals(0, &[1, 0, 300, 70_000, -1, 1 << 40, 0]), &[1, 6]));
    assert_eq!(clean(INTS_UNSIGNED, DataType::UInt64), column(Values::UInt64(vec![0, u64::MAX]), &[]));
    assert_eq!(clean(INTS_WIDE, N), column(decimals(0, &[-1, 1 << 64]), &[]));
    assert!(refusal(INTS_HUGE, N).starts_with("type-mismatch"));
    assert!(refusal(&objects(1, &[&[0x8a, 17][..], &[1; 17]].concat()), N).starts_with("type-mismatch"));
    let found = clean(FLOATS_OBJECTS, DataType::Float64);
    assert_eq!((found.num_nulls(), found.is_valid(1)), (1, false));
    assert!(matches!(found.values(), Values::Float64(v) if v[0] == 1.5 && v[2].is_nan() && v[3] == 3.0));
    let float = b"G\x3f\xf0\0\0\0\0\0\0";
    let exact = objects(2, &[&float[..], b"\x8a\x08\0\0\0\0\0\0\0\x40"].concat());
    assert_eq!(clean(&exact, DataType::Float64), column(Values::Float64(vec![1.0, 2f64.powi(62)]), &[]));
    let inexact = objects(2, &[&float[..], b"\x8a\x08\x01\0\0\0\0\0\0\x40"].concat());
    assert!(refusal(&inexact, N).starts_with("type-mismatch"));
    macro_rules! both_orders {
        ($code:literal, $type:ident, $value:expr) => {
            let (value, size) = ($value, size_of_val(&$value) as i32);
            let expected = column(Values::$type(vec![value]), &[]);
            assert_eq!(clean(&raw($code, "<", size, 1, &value.to_le_bytes()), DataType::$type), expected);
            assert_eq!(clean(&raw($code, ">", -1, 1, &value.to_be_bytes()), DataType::$type), expected);
        };
    }
    both_orders!("i1", Int8, -2i8);
    both_orders!("i2", Int16, -2i16);
    both_orders!("i4", Int32, -2i32);
    both_orders!("i8", Int64, -2i64);
    both_orders!("u1", UInt8, 2u8);
    both_orders!("u2", UInt16, 2u16);
    both_orders!("u4", UInt32, 2u32);
    both_orders!("u8", UInt64, 2u64);
    both_orders!("f4", Float32, -0.0f32);
    both_orders!("f8", Float64, 1e300f64);
}

#[test]
fn nothing_at_all_has_the_declared_type() {
    for &declared in DataType::ALL {
        for bytes in [EMPTY_LIST, EMPTY_OBJECTS] {
            assert_eq!(clean(bytes, declared), Column::new(Values::empty(declared), None).unwrap());
        }
        let found = clean(&objects(2, b"NN"), declared);
        assert_eq!((found.len(), found.num_nulls()), (2, 2));
        let found = clean(&objects(1, b"G\x7f\xf8\0\0\0\0\0\0"), declared);
        assert_eq!(found.num_nulls(), usize::from(declared != DataType::Float64));
    }
}

#[test]
fn refuses_by_name() {
    for (bytes, message) in [
        (OS_SYSTEM, "pickle global \"posix.system\" is refused"),
        (GETATTR, "pickle global \"builtins.getattr\" is refused"),
        (PANDAS_ZONEINFO, "pickle global \"builtins.getattr\" is refused"),
        (NUMPY_SCALAR, "pickle global \"numpy._core.multiarray.scalar\" is refused"),
        (PROTOCOL2, "pickle opcode GLOBAL is refused"),
        (b"\x80\x04\x8c\x01xQ.", "pickle opcode BINPERSID is refused"),
        (b"\x80\x04cos\nsystem\n.", "pickle opcode GLOBAL is refused"),
        (b"\x80\x06N.", "pickle protocol 6"),
        (b"\x80\x04N.", "a pickle of None (columns are numpy arrays)"),
        (b"\x80\x04K\x01)R.", "pickle calls int"),
        (b"\x80\x04])b.", "pickle sets the state of list"),
        (TWO_DIMENSIONS, "a numpy array of 2 dimensions (columns have 1)"),
        (NO_DIMENSION, "a numpy array of 0 dimensions (columns have 1)"),
        (COMPLEX, "numpy dtype \"c16\""),
        (STRUCTURED, "numpy dtype \"V4\""),
        (&objects(1, b"]"), "list as a value of a column, in row 0"),
        (&objects(2, b"N\x8c\x05numpy\x8c\x07ndarray\x93"), "a function or class as a value of a column, in row 1"),
    ] {
        assert_eq!(refusal(bytes, B), format!("unsupported-feature: not supported: {message}"));
    }
    assert_eq!(refusal(MIXED, B), "type-mismatch: expected int as in row 1, found str in row 2");
}

#[test]
fn refuses_streams_that_contradict_themselves() {
    for bytes in [
        &b"NCF\x01"[..],
        b"\x80\x04\xff.",
        b"\x80\x04.",
        b"\x80\x04(.",
        b"\x80\x04N(N.",
        b"\x80\x04h\0.",
        b"\x80\x04j\xff\xff\xff\xff.",
        b"\x80\x04\x94.",
        b"\x80\x04t.",
        b"\x80\x04e.",
        b"\x80\x04(e.",
        b"\x80\x04(Ne.",
        b"\x80\x04Na.",
        b"\x80\x04N(a.",
        b"\x80\x04](Na.",
        b"\x80\x04N(\x85.",
        b"\x80\x04N\x86.",
        b"\x80\x04R.",
        b"\x80\x04b.",
        b"\x80\x04NN\x93.",
        b"\x80\x04\x8c\x05numpy\x8c\x05dtype\x93NR.",
        b"\x80\x04\x8c\x05numpy\x8c\x05dtype\x93)R.",
        b"\x80\x04\x8c\x08datetime\x8c\x04date\x93C\x04\x07\xe7\x02\x1d\x85R.",
        b"\x80\x04\x8c\x08datetime\x8c\x04date\x93C\x04\0\0\x01\x01\x85R.",
        b"\x80\x04\x8c\x08datetime\x8c\x08datetime\x93C\x0a\x07\xe7\x01\x1d\x18\0\0\0\0\0\x85R.",
        b"\x80\x04\x8c\x08datetime\x8c\x09timedelta\x93\x8a\x08\0\0\0\0\0\0\0\x40K\0K\0\x87R.",
        b"\x80\x04\x8c\x16numpy._core.multiarray\x8c\x0c_reconstruct\x93\x8c\x05numpy\x8c\x07ndarray\x93K\0\x85C\x01b\x87R.",
        &[BOOL, b"."].concat(),
        &raw("b1", "|", -1, 2, &[1]),
        &raw("b1", "|", -1, 0, &[1]),
        &raw("b1", "|", 2, 1, &[1]),
        &raw("b1", "?", -1, 1, &[1]),
        &raw("S3", "|", 4, 1, &[1, 2, 3, 4]),
        &raw("S3", "|", 3, 2, &[1, 2, 3]),
        &raw("S0", "|", 0, 200, &[]),
        &raw("U2", "<", 4, 1, &[1, 2, 3, 4]),
        &raw("U4611686018427387904", "<", -1, 1, &[]),
        &raw("S18446744073709551615", "<", -1, 2, &[]),
        &raw("O8", "|", -1, 0, &[]),
        &array("b1", "|", -1, None, 1, b"]Na"),
        &array("b1", "|", -1, None, 1, b"N"),
        &array("b1", "|", -1, Some((b"s", 1)), 1, b"C\x01\x01"),
        &array("M8", "<", -1, Some((b"s", 0)), 0, b"C\0"),
        &array("M8", "<", -1, Some((b"x", 1)), 0, b"C\0"),
        &objects(2, b"N"),
        &objects(0, b"N"),
    ] {
        let shown = bytes.escape_ascii();
        assert!(refusal(bytes, B).starts_with("corrupt: pickle: "), "{shown} {}", refusal(bytes, B));
    }
    assert_eq!(clean(&raw("S0", "|", 0, 0, &[]), X).len(), 0);
}

#[test]
fn claimed_sizes_cost_nothing() {
    for bytes in [
        &b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff"[..],
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x80\x04B\xff\xff\xff\xff",
        b"\x80\x04X\xff\xff\xff\xff",
        b"\x80\x04C\xff",
        b"\x80\x04\x8a\xff",
        b"\x80",
        b"",
    ] {
        assert!(refusal(bytes, B).starts_with("truncated"));
    }
    // 2^62 rows of nothing, and of 8 bytes.
    for code in ["S0", "i8"] {
        let small = raw(code, "|", -1, 9, &[]);
        let at = small.windows(3).position(|w| w == [b'K', 9, 0x85]).unwrap();
        let rows = [&[0x8a, 8][..], &(1i64 << 62).to_le_bytes(), &[0x85]].concat();
        let bytes = [&small[..at], &rows, &small[at + 3..]].concat();
        assert!(refusal(&bytes, B).starts_with("corrupt: pickle: 4611686018427387904 values"));
    }
}

#[test]
fn nesting_and_sharing_cost_no_more_than_their_bytes() {
    let deep = [b"\x80\x04)".to_vec(), vec![0x85; 1_000_000], b".".to_vec()].concat();
    assert!(refusal(&deep, B).contains("a pickle of tuple"));
    let lists = [b"\x80\x04".to_vec(), b"]".repeat(300_000), b"a".repeat(299_999), b".".to_vec()].concat();
    assert!(refusal(&lists, B).contains("a pickle of list"));
    let marks = [b"\x80\x04".to_vec(), b"(".repeat(300_000), b".".to_vec()].concat();
    assert!(refusal(&marks, B).starts_with("corrupt"));
    // Each tuple holds the one before twice.
    let mut laughs = b"\x80\x04)\x94".to_vec();
    for index in 0..200u8 {
        laughs.extend([b'h', index, b'h', index, 0x86, 0x94]);
    }
    laughs.extend(b"0.");
    assert!(refusal(&laughs, B).contains("opcode POP"));
    // A list that holds itself.
    assert!(refusal(b"\x80\x04]\x94h\0a.", B).contains("a pickle of list"));
    assert!(refusal(&array("O8", "|", -1, None, 1, b"]\x94h\0a"), B).contains("list as a value"));

    let shared = [b"B\x40\x42\x0f\0".to_vec(), vec![7; 1_000_000], b"\x94".to_vec(), b"h\0".repeat(199)].concat();
    let error = decode_within(&objects(200, &shared), X, 10_000_000).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::LimitExceeded { limit: 10_000_000, .. }));
    assert!(decode_within(&objects(200, &shared), X, 200_000_000).is_ok());
}

#[test]
fn long_memos_are_recalled() {
    // 300 texts in the memo, then the last again through LONG_BINGET.
    let mut items = Vec::new();
    for number in 0..200 {
        items.extend([b"\x8c\x03".to_vec(), format!("{number:03}").into_bytes(), b"\x94\x94".to_vec()].concat());
    }
    items.extend(b"j\x8f\x01\0\0");
    let found = clean(&objects(201, &items), DataType::String);
    assert!(matches!(found.values(), Values::String(v) if v.get(200) == b"199" && v.get(7) == b"007"));
}

#[test]
fn every_prefix_is_refused() {
    for bytes in [BOOL, BOOL_PROTOCOL5, DATES, DATETIMES_ZONES, PANDAS_PYTZ, DECIMALS, TEXT_OBJECTS, TIMES_NUMPY24] {
        for end in 0..bytes.len() {
            let error = decode(&bytes[..end], B).unwrap_err();
            assert_eq!(error.code().as_str(), "truncated", "{end}: {error}");
        }
    }
}

#[test]
fn damage_is_an_error_or_another_column_but_never_a_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let opcodes = b"\x80\x95\x8c\x94\x93KMJGCBX\x8a\x8e\x96\x85\x86\x87t()]}aehj\x88\x89NRb.\xff\0\x01";
    for bytes in [
        BOOL_PROTOCOL5,
        BOOL_OBJECTS,
        DATES,
        DATES_NUMPY,
        DATETIMES_ZONES,
        PANDAS_UTC,
        DECIMALS,
        BYTES_FIXED,
        BYTEARRAYS,
        TEXT_FIXED,
        INTS_OBJECTS,
        TIMES_NUMPY24,
    ] {
        for _ in 0..4000 {
            let mut damaged = bytes.to_vec();
            for _ in 0..=random(3) {
                let at = random(damaged.len());
                match random(4) {
                    0 => damaged[at] ^= 1 << random(8),
                    1 => damaged[at] = opcodes[random(opcodes.len())],
                    2 => damaged.insert(at, opcodes[random(opcodes.len())]),
                    _ => drop(damaged.remove(at)),
                }
            }
            for declared in [B, D, T, N, X] {
                if let Ok(decoded) = decode(&damaged, declared) {
                    assert_eq!(
                        decoded.column.validity().map_or(decoded.column.len(), Bitmap::len),
                        decoded.column.len()
                    );
                }
            }
        }
    }
}

#[cfg(feature = "writer")]
mod writing {
    use super::*;

    #[test]
    fn writes_the_same_bytes_for_ever() {
        let us = times(TimeUnit::Microsecond, false, &[1, 0, -5, 1 << 40]);
        for (bytes, expected) in [
            (WRITTEN_BOOLS, column(bits(&[true, false, true]), &[])),
            (WRITTEN_BOOLS_NULL, column(bits(&[true, false, true]), &[1])),
            (WRITTEN_DATES, column(Values::Date(vec![19_782, 0, -719_162, 2_932_896]), &[1])),
            (WRITTEN_TIMES, column(us, &[1])),
            (WRITTEN_DECIMALS, column(decimals(2, &[150, 0, -1, 10i128.pow(37)]), &[1])),
            (WRITTEN_BYTES, column(Values::Binary(var(&[b"x"])), &[])),
        ] {
            assert!(encode(&expected).unwrap() == bytes, "{expected:?}");
            let found = clean(bytes, expected.values().data_type());
            assert_eq!(encode(&found).unwrap(), bytes);
            assert_eq!((found.len(), found.validity()), (expected.len(), expected.validity()));
        }
    }

    #[test]
    fn lists_are_appended_in_batches() {
        for (rows, end) in [(0, "]"), (1, "a"), (2, "e"), (1000, "e"), (1001, "a"), (2500, "e")] {
            let values: Vec<Vec<u8>> = (0..rows).map(|row: usize| row.to_string().into_bytes()).collect();
            let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            let expected = column(Values::Binary(var(&values)), &[]);
            let bytes = encode(&expected).unwrap();
            assert!(bytes.ends_with(format!("{end}tb.").as_bytes()), "{rows}");
            assert_eq!(clean(&bytes, X), expected);
        }
    }

    #[test]
    fn long_values_and_columns_get_wider_lengths() {
        let expected = column(Values::Binary(var(&[&[1; 255], &[2; 256], &[3; 70_000]])), &[]);
        assert_eq!(clean(&encode(&expected).unwrap(), X), expected);
        for rows in [255, 256, 65_535, 65_536] {
            let expected = column(Values::Boolean(Bitmap::filled(rows, true)), &[]);
            assert_eq!(clean(&encode(&expected).unwrap(), B), expected);
        }
    }

    #[test]
    fn refuses_what_numpy_has_no_form_for() {
        let minimum = |nulls| column(times(TimeUnit::Second, true, &[0, i64::MIN]), nulls);
        assert_eq!(encode(&minimum(&[])).unwrap_err().code().as_str(), "type-mismatch");
        assert_eq!(clean(&encode(&minimum(&[1])).unwrap(), T).num_nulls(), 1);
        for &data_type in DataType::ALL {
            let empty = Column::new(Values::empty(data_type), None).unwrap();
            let pickled = matches!(data_type, B | D | T | N | X);
            match encode(&empty) {
                Ok(bytes) => assert!(pickled && clean(&bytes, data_type).is_empty()),
                Err(error) => assert!(!pickled && error.code().as_str() == "unsupported-feature"),
            }
        }
    }
}
