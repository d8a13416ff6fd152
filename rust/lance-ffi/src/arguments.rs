//! Arguments that are not Arrow: names, texts, numbers, arrays, key-values, sized structs.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use lance_engine::place::Place;
use lance_engine::{Error, Result};

use crate::generated::base::{self, LanceKeyValue, LanceText, NUL_TERMINATED};
use crate::generated::telemetry::LanceReleaseFn;

/// A NUL-terminated name.
///
/// # Safety
/// `name` is NULL or NUL-terminated.
pub unsafe fn required_name(name: *const c_char, what: &str) -> Result<String> {
    // SAFETY: forwarded contract.
    unsafe { optional_name(name, what) }?.ok_or_else(|| is_null(what))
}

/// A NUL-terminated name, or NULL for none.
///
/// # Safety
/// `name` is NULL or NUL-terminated.
pub unsafe fn optional_name(name: *const c_char, what: &str) -> Result<Option<String>> {
    if name.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, hence NUL-terminated by this function's contract.
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes();
    utf8(bytes, what).map(Some)
}

/// A URI, as the place it means now.
///
/// # Safety
/// As `required_name`.
pub unsafe fn required_place(uri: *const c_char, what: &str) -> Result<Place> {
    // SAFETY: forwarded contract.
    Place::of(&unsafe { required_name(uri, what) }?)
}

/// # Safety
/// `text` is no text, or valid for its length.
pub unsafe fn required_text(text: LanceText, what: &str) -> Result<String> {
    // SAFETY: forwarded contract.
    unsafe { optional_text(text, what) }?.ok_or_else(|| is_null(what))
}

/// Free text. The engine cannot have a NUL in it.
///
/// # Safety
/// `text` is no text, or valid for its length.
pub unsafe fn optional_text(text: LanceText, what: &str) -> Result<Option<String>> {
    if text.length == NUL_TERMINATED {
        // SAFETY: forwarded contract.
        return unsafe { optional_name(text.data, what) };
    }
    if text.data.is_null() {
        return Ok(None);
    }
    // SAFETY: by this function's contract.
    let bytes = unsafe { slice(text.data.cast::<u8>(), text.length, what) }?;
    if bytes.contains(&0) {
        return Err(Error::invalid_argument(format!(
            "{what} contains a NUL character"
        )));
    }
    utf8(bytes, what).map(Some)
}

fn utf8(bytes: &[u8], what: &str) -> Result<String> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_string()),
        Err(_) => Err(Error::invalid_argument(format!("{what} is not UTF-8"))),
    }
}

fn is_null(what: &str) -> Error {
    Error::invalid_argument(format!("{what} is NULL"))
}

/// More bytes than a process can address: no array is as long.
const ADDRESSABLE: usize = 1 << 56;

/// A borrowed array; NULL only goes with a count of 0.
///
/// # Safety
/// `items` is NULL or points to `count` values that live for `'a`.
pub unsafe fn slice<'a, T>(items: *const T, count: usize, what: &str) -> Result<&'a [T]> {
    if items.is_null() {
        return match count {
            0 => Ok(&[]),
            _ => Err(Error::invalid_argument(format!(
                "{what} is NULL but its count is {count}"
            ))),
        };
    }
    if count > ADDRESSABLE / std::mem::size_of::<T>().max(1) {
        return Err(Error::invalid_argument(format!(
            "{what} has an impossible count of {count}"
        )));
    }
    // SAFETY: valid for `count` values by this function's contract.
    Ok(unsafe { std::slice::from_raw_parts(items, count) })
}

/// An array of our own, of numbers or bytes.
///
/// # Safety
/// `items` is NULL or points to `count` values.
pub unsafe fn copied<T: Copy>(items: *const T, count: usize, what: &str) -> Result<Vec<T>> {
    // SAFETY: forwarded contract.
    let items = unsafe { slice(items, count, what) }?;
    Ok(items.to_vec())
}

/// As above; NULL means "not given".
///
/// # Safety
/// As `copied`.
pub unsafe fn optional_copied<T: Copy>(
    items: *const T,
    count: usize,
    what: &str,
) -> Result<Option<Vec<T>>> {
    // SAFETY: forwarded contract.
    let read = unsafe { copied(items, count, what) }?;
    Ok((!items.is_null()).then_some(read))
}

/// An array of names.
///
/// # Safety
/// `items` is NULL or points to `count` names.
pub unsafe fn names(items: *const *const c_char, count: usize, what: &str) -> Result<Vec<String>> {
    // SAFETY: forwarded contract.
    let names = unsafe { slice(items, count, what) }?.iter().enumerate();
    let names = names.map(|(i, name)| {
        // SAFETY: by this function's contract.
        unsafe { required_name(*name, &format!("{what}[{i}]")) }
    });
    names.collect()
}

/// As above; NULL means "not given".
///
/// # Safety
/// As `names`.
pub unsafe fn optional_names(
    items: *const *const c_char,
    count: usize,
    what: &str,
) -> Result<Option<Vec<String>>> {
    // SAFETY: forwarded contract.
    let read = unsafe { names(items, count, what) }?;
    Ok((!items.is_null()).then_some(read))
}

/// An array of pairs as a map.
///
/// # Safety
/// As `pairs`.
pub unsafe fn key_values(
    items: *const LanceKeyValue,
    count: usize,
    what: &str,
) -> Result<HashMap<String, String>> {
    // SAFETY: forwarded contract.
    Ok(unsafe { pairs(items, count, what) }?.into_iter().collect())
}

/// An array of pairs, in its order.
///
/// # Safety
/// `items` is NULL or points to `count` valid pairs.
pub unsafe fn pairs(
    items: *const LanceKeyValue,
    count: usize,
    what: &str,
) -> Result<Vec<(String, String)>> {
    // SAFETY: forwarded contract.
    let pairs = unsafe { slice(items, count, what) }?.iter();
    let pairs = pairs.map(|pair| {
        // SAFETY: by this function's contract.
        unsafe {
            Ok((
                required_text(pair.key, what)?,
                required_text(pair.value, what)?,
            ))
        }
    });
    pairs.collect()
}

/// A struct that begins with `struct_size` and may be shorter or longer than this library's version of it.
///
/// # Safety
/// Implementors are `repr(C)`, begin with `struct_size: usize`, and are valid for any bytes.
pub unsafe trait Versioned: Copy {
    /// The values of fields the caller's version does not have.
    const INIT: Self;
}

/// Read a sized options struct; NULL means all defaults.
///
/// # Safety
/// `options` is NULL or points to a struct of at least its own `struct_size` bytes.
pub unsafe fn read_sized<T: Versioned>(options: *const T, what: &str) -> Result<T> {
    let mut copy = T::INIT;
    if options.is_null() {
        return Ok(copy);
    }
    // SAFETY: the first field is `struct_size`.
    let given = unsafe { sized_length(options.cast(), what) }?;
    let length = given.min(std::mem::size_of::<T>());
    // SAFETY: both sides are valid for `length` bytes, and T is valid for any bytes.
    unsafe {
        std::ptr::copy_nonoverlapping(
            options.cast::<u8>(),
            std::ptr::from_mut(&mut copy).cast::<u8>(),
            length,
        );
    }
    Ok(copy)
}

/// Fill the caller's sized struct, no further than the `given` size; `struct_size` stays as it is.
///
/// # Safety
/// `out` points to a struct of `given` bytes, as `check_sized` has found.
pub unsafe fn write_sized<T: Versioned>(value: &T, out: *mut T, given: usize) {
    let header = std::mem::size_of::<usize>();
    let length = given.min(std::mem::size_of::<T>()) - header;
    // SAFETY: both sides are valid for `header + length` bytes.
    unsafe {
        std::ptr::copy_nonoverlapping(
            std::ptr::from_ref(value).cast::<u8>().add(header),
            out.cast::<u8>().add(header),
            length,
        );
    }
}

/// Fill the caller's options with defaults. What a newer caller has behind them becomes zeros.
///
/// # Safety
/// `options` is NULL or has `struct_size` bytes.
pub unsafe fn init_sized<T: Versioned>(options: *mut T, struct_size: usize) {
    if options.is_null() || struct_size < std::mem::size_of::<usize>() {
        return;
    }
    let length = struct_size.min(std::mem::size_of::<T>());
    let bytes = options.cast::<u8>();
    // SAFETY: both sides are valid for `length` bytes, the caller's for `struct_size`.
    unsafe {
        std::ptr::copy_nonoverlapping(std::ptr::from_ref(&T::INIT).cast::<u8>(), bytes, length);
        bytes.add(length).write_bytes(0, struct_size - length);
        options.cast::<usize>().write_unaligned(struct_size);
    }
}

/// Check an out struct before the work whose result it receives, and get its size.
///
/// # Safety
/// `out` points to a struct that begins with `struct_size`.
pub unsafe fn check_sized<T: Versioned>(out: *const T, what: &str) -> Result<usize> {
    // SAFETY: the first field is `struct_size`.
    unsafe { sized_length(out.cast(), what) }
}

/// # Safety
/// `size` points to a `struct_size` field.
unsafe fn sized_length(size: *const usize, what: &str) -> Result<usize> {
    // SAFETY: by this function's contract.
    let given = unsafe { size.read_unaligned() };
    if given < std::mem::size_of::<usize>() {
        return Err(Error::invalid_argument(format!(
            "{what}.struct_size is {given}: initialise the struct with its INIT macro"
        )));
    }
    // Half a pointer would be a pointer to somewhere else.
    if !given.is_multiple_of(std::mem::align_of::<usize>()) {
        return Err(Error::invalid_argument(format!(
            "{what}.struct_size is {given}, which ends within a field"
        )));
    }
    Ok(given)
}

/// What a callback of the caller's gets with each call.
#[derive(Clone, Copy)]
pub struct Context(*mut c_void);

// SAFETY: the header demands that callbacks can be called on any thread.
unsafe impl Send for Context {}
// SAFETY: as above; the library itself never looks at what is behind it.
unsafe impl Sync for Context {}

impl Context {
    pub fn new(context: *mut c_void) -> Self {
        Self(context)
    }

    pub fn get(&self) -> *mut c_void {
        self.0
    }
}

/// A context of the caller's, released when this is dropped.
pub struct OwnedContext {
    context: Context,
    release: Option<LanceReleaseFn>,
}

impl OwnedContext {
    pub fn new(context: *mut c_void, release: Option<LanceReleaseFn>) -> Self {
        Self {
            context: Context::new(context),
            release,
        }
    }

    pub fn get(&self) -> *mut c_void {
        self.context.get()
    }
}

impl Drop for OwnedContext {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: consumed by the header's contract, and not used any more.
            unsafe { release(self.context.get()) };
        }
    }
}

/// An int32 that must be 0 or 1.
pub fn flag(value: i32, what: &str) -> Result<bool> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Error::invalid_argument(format!(
            "{what} must be 0 or 1, got {other}"
        ))),
    }
}

/// A number of which one value stands for "not given", which nobody can mean.
pub trait Number: Copy + PartialOrd + fmt::Display {
    const UNSET: Self;
}

impl Number for u32 {
    const UNSET: Self = base::UNSET_U32;
}

impl Number for u64 {
    const UNSET: Self = base::UNSET_U64;
}

impl Number for i32 {
    const UNSET: Self = base::UNSET_I32;
}

impl Number for i64 {
    const UNSET: Self = base::UNSET_I64;
}

impl Number for f64 {
    const UNSET: Self = base::UNSET_F64;
}

pub fn within<N: Number>(value: N, range: RangeInclusive<N>, what: &str) -> Result<N> {
    let refuse = |bound: &str, limit: &N| {
        let message = format!("{what} must be at {bound} {limit}, got {value}");
        Err(Error::invalid_argument(message))
    };
    // NaN is neither.
    if value.partial_cmp(range.start()).is_none_or(Ordering::is_lt) {
        return refuse("least", range.start());
    }
    if value > *range.end() {
        return refuse("most", range.end());
    }
    Ok(value)
}

pub fn optional_within<N: Number>(
    value: N,
    range: RangeInclusive<N>,
    what: &str,
) -> Result<Option<N>> {
    match value == N::UNSET {
        true => Ok(None),
        false => within(value, range, what).map(Some),
    }
}

pub fn seconds(value: i64, what: &str) -> Result<Duration> {
    Ok(Duration::from_secs(
        within(value, 0..=i64::MAX, what)? as u64
    ))
}

pub fn optional_seconds(value: i64, what: &str) -> Result<Option<Duration>> {
    match value == i64::UNSET {
        true => Ok(None),
        false => seconds(value, what).map(Some),
    }
}

/// What an enum that has no such value is refused with.
pub fn no_such_value(what: &str, names: &str, got: i32) -> Error {
    Error::invalid_argument(format!("{what} must be one of {names}, got {got}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Options {
        struct_size: usize,
        old: u64,
        new: u64,
    }

    // SAFETY: repr(C), begins with struct_size, plain integers.
    unsafe impl Versioned for Options {
        const INIT: Self = Self {
            struct_size: size_of::<Self>(),
            old: 1,
            new: 7,
        };
    }

    #[test]
    fn more_values_than_a_process_can_address_are_refused() {
        let byte = 0_u8;
        for count in [usize::MAX, isize::MAX as usize, ADDRESSABLE + 1] {
            // SAFETY: a count that is refused is not followed.
            let read = unsafe { copied(&byte, count, "bytes") };
            let message = read.unwrap_err().to_string();
            assert!(message.contains("impossible count"), "{message}");
        }
    }

    #[test]
    fn an_older_callers_struct_keeps_the_defaults_of_newer_fields() {
        let given = Options {
            struct_size: 16,
            old: 5,
            new: 99,
        };
        // SAFETY: a live struct, larger than its struct_size says.
        let read = unsafe { read_sized(&given, "options") }.unwrap();
        assert_eq!((read.old, read.new), (5, 7));
    }

    #[test]
    fn an_out_struct_is_not_written_beyond_its_own_size() {
        let mut out = Options {
            struct_size: 16,
            old: 0,
            new: 42,
        };
        let value = Options {
            struct_size: 24,
            old: 3,
            new: 4,
        };
        // SAFETY: a live struct of the size that it tells.
        let given = unsafe { check_sized(&out, "out") }.unwrap();
        // SAFETY: as above.
        unsafe { write_sized(&value, &mut out, given) };
        assert_eq!(
            out,
            Options {
                struct_size: 16,
                old: 3,
                new: 42
            }
        );
    }

    #[test]
    fn a_struct_that_ends_within_a_field_is_refused() {
        for struct_size in [9, 17, 23] {
            let given = Options {
                struct_size,
                ..Options::INIT
            };
            // SAFETY: a live struct, larger than its struct_size says.
            assert!(unsafe { read_sized(&given, "options") }.is_err());
            // SAFETY: as above.
            assert!(unsafe { check_sized(&given, "out") }.is_err());
        }
    }

    #[test]
    fn an_uninitialised_struct_is_refused() {
        let given = Options {
            struct_size: 0,
            old: 5,
            new: 99,
        };
        // SAFETY: a live struct.
        let error = unsafe { read_sized(&given, "options") }.unwrap_err();
        assert!(error.message().contains("struct_size"), "{error}");
    }

    #[test]
    fn invalid_utf8_is_an_error_that_names_the_argument() {
        // SAFETY: a NUL-terminated literal.
        let error = unsafe { required_name(c"\xff".as_ptr(), "uri") }.unwrap_err();
        assert_eq!(error.message(), "uri is not UTF-8");
    }

    #[test]
    fn options_are_filled_as_far_as_the_caller_knows_them() {
        for (struct_size, expected) in [
            (8, [8, 42, 42]),
            (16, [16, 1, 42]),
            (24, [24, 1, 7]),
            (0, [42, 42, 42]),
        ] {
            let mut words = [42_usize; 3];
            // SAFETY: no more than there is.
            unsafe { init_sized(words.as_mut_ptr().cast::<Options>(), struct_size) };
            assert_eq!(words, expected);
        }
        let mut newer = [42_usize; 4];
        // SAFETY: as above.
        unsafe { init_sized(newer.as_mut_ptr().cast::<Options>(), 32) };
        assert_eq!(newer, [32, 1, 7, 0]);
    }

    #[test]
    fn a_number_out_of_its_range_is_refused_by_name() {
        let refusal = |value| {
            let refused = optional_within(value, 1..=1024_u32, "options.lanes");
            refused.unwrap_err().message().to_string()
        };
        assert_eq!(refusal(0), "options.lanes must be at least 1, got 0");
        assert_eq!(
            refusal(2000),
            "options.lanes must be at most 1024, got 2000"
        );
        assert_eq!(
            optional_within(u32::MAX, 1..=1024, "options.lanes").unwrap(),
            None
        );
        assert!(seconds(-1, "options.age").is_err());
    }

    #[test]
    fn text_is_taken_whole_or_refused() {
        let read = |bytes: &[u8], length| {
            let data = bytes.as_ptr().cast();
            // SAFETY: a literal of this length or with a NUL.
            unsafe { optional_text(LanceText { data, length }, "filter") }
        };
        assert_eq!(read(b"abc", 2).unwrap().as_deref(), Some("ab"));
        assert_eq!(
            read(b"abc\0d", NUL_TERMINATED).unwrap().as_deref(),
            Some("abc")
        );
        assert_eq!(read(b"", 0).unwrap().as_deref(), Some(""));
        for (bytes, told) in [
            (&b"a\0b"[..], "filter contains a NUL character"),
            (b"\xff", "filter is not UTF-8"),
        ] {
            assert_eq!(read(bytes, bytes.len()).unwrap_err().message(), told);
        }
        // SAFETY: no text.
        let none = unsafe { optional_text(LanceText::NONE, "filter") };
        assert_eq!(none.unwrap(), None);
    }

    #[test]
    fn a_null_array_with_a_count_is_an_error() {
        // SAFETY: NULL is allowed.
        assert!(unsafe { slice::<u64>(std::ptr::null(), 3, "indices") }.is_err());
    }
}
