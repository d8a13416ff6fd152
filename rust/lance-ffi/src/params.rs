//! Arguments that are not Arrow: strings, arrays, key-values, sized structs, enums, out values.

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char};

use crate::error::{LanceError, Result};
use crate::guard::guard;
use crate::handle;
use crate::place::Place;

/// Mirrors `LanceKeyValue`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct LanceKeyValue {
    pub key: *const c_char,
    pub value: *const c_char,
}

/// A required string.
///
/// # Safety
/// `text` is NULL or NUL-terminated and lives for `'a`.
pub unsafe fn required_str<'a>(text: *const c_char, what: &str) -> Result<&'a str> {
    // SAFETY: forwarded contract.
    unsafe { optional_str(text, what) }?
        .ok_or_else(|| LanceError::invalid_argument(format!("{what} is NULL")))
}

/// A required URI, as the place it means now.
///
/// # Safety
/// As `required_str`.
pub unsafe fn required_place(uri: *const c_char) -> Result<Place> {
    // SAFETY: forwarded contract.
    Place::of(unsafe { required_str(uri, "uri") }?)
}

/// A string that may be NULL.
///
/// # Safety
/// `text` is NULL or NUL-terminated and lives for `'a`.
pub unsafe fn optional_str<'a>(text: *const c_char, what: &str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, hence NUL-terminated by this function's contract.
    match unsafe { CStr::from_ptr(text) }.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(LanceError::invalid_argument(format!("{what} is not UTF-8"))),
    }
}

/// A borrowed array; NULL only goes with a count of 0.
///
/// # Safety
/// `items` is NULL or points to `count` values that live for `'a`.
pub unsafe fn slice<'a, T>(items: *const T, count: usize, what: &str) -> Result<&'a [T]> {
    if items.is_null() {
        return match count {
            0 => Ok(&[]),
            _ => Err(LanceError::invalid_argument(format!(
                "{what} is NULL but its count is {count}"
            ))),
        };
    }
    if count > isize::MAX as usize / std::mem::size_of::<T>().max(1) {
        return Err(LanceError::invalid_argument(format!(
            "{what} has an impossible count of {count}"
        )));
    }
    // SAFETY: valid for `count` values by this function's contract.
    Ok(unsafe { std::slice::from_raw_parts(items, count) })
}

/// A borrowed array of strings; NULL means "not given".
///
/// # Safety
/// `items` is NULL or points to `count` valid string pointers.
pub unsafe fn optional_strings(
    items: *const *const c_char,
    count: usize,
    what: &str,
) -> Result<Option<Vec<String>>> {
    // SAFETY: forwarded contract.
    let pointers = unsafe { slice(items, count, what) }?;
    if items.is_null() {
        return Ok(None);
    }
    pointers
        .iter()
        // SAFETY: each is a string pointer by this function's contract.
        .map(|text| unsafe { required_str(*text, what) }.map(str::to_string))
        .collect::<Result<Vec<_>>>()
        .map(Some)
}

/// A borrowed array of pairs as a map.
///
/// # Safety
/// `items` is NULL or points to `count` valid pairs.
pub unsafe fn key_values(
    items: *const LanceKeyValue,
    count: usize,
    what: &str,
) -> Result<HashMap<String, String>> {
    // SAFETY: forwarded contract.
    unsafe { slice(items, count, what) }?
        .iter()
        .map(|pair| {
            // SAFETY: both are string pointers by this function's contract.
            let (key, value) = unsafe {
                (
                    required_str(pair.key, what)?,
                    required_str(pair.value, what)?,
                )
            };
            Ok((key.to_string(), value.to_string()))
        })
        .collect()
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

/// Fill the caller's sized struct, no further than its own size; `struct_size` stays as it is.
///
/// # Safety
/// `out` is NULL or points to a struct of at least its own `struct_size` bytes.
pub unsafe fn write_sized<T: Versioned>(value: &T, out: *mut T, what: &str) -> Result<()> {
    if out.is_null() {
        return Err(LanceError::invalid_argument(format!("{what} is NULL")));
    }
    // SAFETY: the first field is `struct_size`.
    let given = unsafe { sized_length(out.cast_const().cast(), what) }?;
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
    Ok(())
}

/// Check an out struct before the work whose result it receives.
///
/// # Safety
/// `out` points to a struct that begins with `struct_size`.
pub unsafe fn check_sized<T: Versioned>(out: *const T, what: &str) -> Result<()> {
    // SAFETY: the first field is `struct_size`.
    unsafe { sized_length(out.cast(), what) }.map(|_| ())
}

/// # Safety
/// `size` points to a `struct_size` field.
unsafe fn sized_length(size: *const usize, what: &str) -> Result<usize> {
    // SAFETY: by this function's contract.
    let given = unsafe { size.read_unaligned() };
    if given < std::mem::size_of::<usize>() {
        return Err(LanceError::invalid_argument(format!(
            "{what}.struct_size is {given}: initialise the struct with its INIT macro"
        )));
    }
    // Half a pointer would be a pointer to somewhere else.
    if !given.is_multiple_of(std::mem::align_of::<usize>()) {
        return Err(LanceError::invalid_argument(format!(
            "{what}.struct_size is {given}, which ends within a field"
        )));
    }
    Ok(given)
}

/// An int32 that must be 0 or 1.
pub fn flag(value: i32, what: &str) -> Result<bool> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(LanceError::invalid_argument(format!(
            "{what} must be 0 or 1, got {other}"
        ))),
    }
}

/// A count whose 0 means "not given".
pub fn nonzero(value: u64) -> Option<u64> {
    (value != 0).then_some(value)
}

/// Write a plain out value.
///
/// # Safety
/// `out` is NULL or valid for writing a T.
pub unsafe fn write_out<T>(value: T, out: *mut T, what: &str) -> Result<()> {
    if out.is_null() {
        return Err(LanceError::invalid_argument(format!("{what} is NULL")));
    }
    // SAFETY: by this function's contract. Nothing old is dropped: out memory is uninitialised.
    unsafe { out.write(value) };
    Ok(())
}

/// Give a string away; lance_string_free() takes it back.
///
/// # Safety
/// `out` is NULL or valid for writing one pointer.
pub unsafe fn give_string(text: String, out: *mut *mut c_char) -> Result<()> {
    let text = CString::new(text)
        .map_err(|_| LanceError::invalid_argument("the text contains a NUL byte"))?;
    if out.is_null() {
        return Err(LanceError::invalid_argument("the output pointer is NULL"));
    }
    // SAFETY: checked above, valid by this function's contract.
    unsafe { out.write(text.into_raw()) };
    Ok(())
}

/// # Safety
/// `string` is NULL or was given away by this library and not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lance_string_free(string: *mut c_char) {
    if !string.is_null() {
        // SAFETY: made by `CString::into_raw` in `give_string`.
        drop(unsafe { CString::from_raw(string) });
    }
}

/// Records of a fixed kind behind a list handle, read one by one into sized structs.
pub struct List<T> {
    items: Vec<T>,
}

impl<T: Versioned> List<T> {
    /// Give away what `wrap` makes of the list.
    ///
    /// # Safety
    /// `out` is NULL or valid for writing one pointer.
    pub unsafe fn give<L>(
        items: Vec<T>,
        out: *mut *mut L,
        wrap: impl FnOnce(Self) -> L,
    ) -> Result<()> {
        if out.is_null() {
            return Err(LanceError::invalid_argument("the output pointer is NULL"));
        }
        // SAFETY: checked above, valid by this function's contract.
        unsafe { out.write(handle::into_plain(wrap(Self { items }))) };
        Ok(())
    }

    pub fn length(&self) -> usize {
        self.items.len()
    }

    /// The frame of every `lance_..._list_get`.
    ///
    /// # Safety
    /// `out` is NULL or points to a struct of at least its own `struct_size` bytes; `error` is NULL or valid.
    pub unsafe fn get(
        list: Option<&Self>,
        index: usize,
        out: *mut T,
        error: *mut *mut LanceError,
    ) -> i32 {
        guard(error, || {
            let items = &list
                .ok_or_else(|| LanceError::invalid_argument("the list is NULL"))?
                .items;
            let item = items.get(index).ok_or_else(|| {
                LanceError::invalid_argument(format!(
                    "index {index} is out of range: the list has {} entries",
                    items.len()
                ))
            })?;
            // SAFETY: forwarded contract.
            unsafe { write_sized(item, out, "the output struct") }
        })
    }
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
        // SAFETY: a live struct.
        unsafe { write_sized(&value, &mut out, "out") }.unwrap();
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
            let mut given = Options {
                struct_size,
                ..Options::INIT
            };
            // SAFETY: a live struct, larger than its struct_size says.
            assert!(unsafe { read_sized(&given, "options") }.is_err());
            // SAFETY: as above.
            assert!(unsafe { write_sized(&Options::INIT, &mut given, "out") }.is_err());
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
        let error = unsafe { required_str(c"\xff".as_ptr(), "uri") }.unwrap_err();
        assert_eq!(error.message(), "uri is not UTF-8");
    }

    #[test]
    fn a_null_array_with_a_count_is_an_error() {
        // SAFETY: NULL is allowed.
        assert!(unsafe { slice::<u64>(std::ptr::null(), 3, "indices") }.is_err());
    }
}
