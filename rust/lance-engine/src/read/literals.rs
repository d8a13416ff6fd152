//! Number literals beside columns of exact numbers.
//!
//! The engine takes 0.05 for a double, which it refuses beside a decimal or a whole number. Written as a decimal, it is
//! compared and computed with as in SQL.

use arrow::datatypes::{DataType, Decimal128Type, DecimalType};
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value, ValueWithSpan};
use datafusion::sql::sqlparser::tokenizer::Location;

/// The most digits of a decimal.
const MOST_DIGITS: usize = Decimal128Type::MAX_PRECISION as usize;

/// Digits of the largest whole number, as the engine counts them.
const WHOLE_DIGITS: usize = 20;

/// What is done with a literal.
#[derive(Clone, Copy, PartialEq)]
pub enum Use {
    Compared,
    Computed,
}

impl Use {
    pub fn by(operator: &BinaryOperator) -> Option<Self> {
        use BinaryOperator as Op;
        match operator {
            Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => Some(Self::Compared),
            Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo => Some(Self::Computed),
            _ => None,
        }
    }
}

/// Text in place of a token, which is on one line and has no character of several bytes.
#[derive(Debug)]
pub struct Edit {
    start: Location,
    length: usize,
    text: String,
}

/// The text with these edits.
pub fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    if edits.is_empty() {
        return text.to_string();
    }
    edits.sort_by_key(|edit| edit.start);
    edits.dedup_by_key(|edit| edit.start);
    let mut edits = edits.into_iter().peekable();
    let mut out = String::with_capacity(text.len());
    let mut here = Location::new(1, 1);
    let mut replaced = 0;
    for character in text.chars() {
        if let Some(edit) = edits.next_if(|edit| edit.start == here) {
            out.push_str(&edit.text);
            replaced = edit.length;
        }
        match replaced {
            0 => out.push(character),
            _ => replaced -= 1,
        }
        here = match character {
            '\n' => Location::new(here.line + 1, 1),
            _ => Location::new(here.line, here.column + 1),
        };
    }
    out
}

/// How a literal beside a column of this type is to be written; None where it is well as it is.
pub fn exact(literal: &Expr, column: &DataType, used: Use) -> Option<Edit> {
    let (number, literal) = number(literal).filter(|(_, literal)| literal.span.start.line > 0)?;
    let decimal = beside(&Plain::of(number)?, column, used)?;
    Some(Edit {
        start: literal.span.start,
        length: number.len(),
        text: decimal,
    })
}

fn number(literal: &Expr) -> Option<(&str, &ValueWithSpan)> {
    match literal {
        Expr::Nested(inner) => number(inner),
        Expr::UnaryOp {
            op: UnaryOperator::Minus | UnaryOperator::Plus,
            expr,
        } => number(expr),
        Expr::Value(value) => match &value.value {
            Value::Number(number, false) => Some((number.as_str(), value)),
            _ => None,
        },
        _ => None,
    }
}

/// A number without exponent, sign or zeros in front.
struct Plain {
    whole: String,
    fraction: String,
    /// The engine takes it for a double.
    is_double: bool,
}

impl Plain {
    fn of(number: &str) -> Option<Self> {
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = format!("{whole}{fraction}");
        if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let exponent: i64 = exponent.parse().ok()?;
        if exponent.unsigned_abs() as usize > 2 * MOST_DIGITS {
            return None;
        }
        let point = whole.len() as i64 + exponent;
        if point < 0 {
            digits.insert_str(0, &"0".repeat(-point as usize));
        }
        let point = point.max(0) as usize;
        while digits.len() < point {
            digits.push('0');
        }
        let (whole, fraction) = digits.split_at(point);
        Some(Self {
            whole: whole.trim_start_matches('0').to_string(),
            fraction: fraction.to_string(),
            is_double: number.contains(['.', 'e', 'E']),
        })
    }

    fn cast(&self, digits: usize, scale: usize) -> String {
        let whole = match self.whole.is_empty() {
            true => "0",
            false => &self.whole,
        };
        let point = if self.fraction.is_empty() { "" } else { "." };
        format!(
            "cast('{whole}{point}{}' as decimal({digits},{scale}))",
            self.fraction
        )
    }
}

fn beside(number: &Plain, column: &DataType, used: Use) -> Option<String> {
    let fraction = number.fraction.trim_end_matches('0');
    let (whole_digits, scale) = match column {
        DataType::Decimal128(digits, scale) | DataType::Decimal256(digits, scale)
            if (0..=*digits as i8).contains(scale) =>
        {
            (usize::from(*digits) - *scale as usize, *scale as usize)
        }
        whole if whole.is_integer() && !fraction.is_empty() => (WHOLE_DIGITS, 0),
        _ => return None,
    };
    if used == Use::Computed {
        // Its digits tell those of the result.
        let digits = (number.whole.len() + number.fraction.len()).max(1);
        let fits = number.is_double && digits <= MOST_DIGITS;
        return fits.then(|| number.cast(digits, number.fraction.len()));
    }
    let number = Plain {
        whole: number.whole.clone(),
        fraction: fraction.to_string(),
        is_double: number.is_double,
    };
    let (own_whole, own_scale) = (number.whole.len(), number.fraction.len());
    // In the column's own type, so that it is compared as it is stored, or else in one that holds both.
    let is_decimal = !column.is_integer();
    if is_decimal && own_whole <= whole_digits && own_scale <= scale {
        let digits = whole_digits + scale;
        return (digits <= MOST_DIGITS).then(|| number.cast(digits, scale));
    }
    let fits = own_whole.max(whole_digits) + own_scale.max(scale) <= MOST_DIGITS;
    fits.then(|| number.cast((own_whole + own_scale).max(1), own_scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(number: &str, column: DataType, used: Use) -> Option<String> {
        beside(&Plain::of(number)?, &column, used)
    }

    #[test]
    fn what_fits_has_the_type_of_the_column() {
        for (number, plain) in [
            ("0.05", "0.05"),
            (".5", "0.5"),
            ("1.", "1"),
            ("007.10", "7.1"),
            ("5e-2", "0.05"),
            ("1.25E2", "125"),
            ("0", "0"),
            ("1e12", "1000000000000"),
        ] {
            let written = written(number, DataType::Decimal128(15, 2), Use::Compared);
            let expected = format!("cast('{plain}' as decimal(15,2))");
            assert_eq!(written, Some(expected), "{number}");
        }
    }

    #[test]
    fn what_does_not_fit_has_its_own() {
        let column = || DataType::Decimal128(15, 2);
        for (number, cast) in [
            ("0.055", "cast('0.055' as decimal(3,3))"),
            ("1e20", "cast('100000000000000000000' as decimal(21,0))"),
        ] {
            assert_eq!(
                written(number, column(), Use::Compared).as_deref(),
                Some(cast)
            );
        }
        let long = "0.00000000000000000000000000001";
        assert_eq!(written(long, column(), Use::Compared), None);
        let wide = DataType::Decimal256(60, 2);
        assert_eq!(written("0.5", wide, Use::Compared), None);
    }

    #[test]
    fn others_stay() {
        for column in [
            DataType::Float64,
            DataType::Utf8,
            DataType::Decimal128(5, -2),
        ] {
            assert_eq!(written("0.5", column, Use::Compared), None);
        }
        for (number, cast) in [
            ("1.10", "'1.10' as decimal(3,2)"),
            ("2.", "'2' as decimal(1,0)"),
        ] {
            let written = written(number, DataType::Decimal128(5, 2), Use::Computed);
            assert_eq!(written, Some(format!("cast({cast})")));
        }
        for number in ["1", "2.0", "1e3"] {
            assert_eq!(written(number, DataType::Int32, Use::Compared), None);
        }
        assert_eq!(
            written("2", DataType::Decimal128(5, 2), Use::Computed),
            None
        );
        assert_eq!(
            written("1e400", DataType::Decimal128(5, 2), Use::Compared),
            None
        );
    }
}
