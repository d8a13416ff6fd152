//! Where the words of a text are, for messages.

use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

/// Words, and where they are.
pub struct Places(Vec<TokenWithSpan>);

impl Places {
    pub fn of_tokens(tokens: &[TokenWithSpan]) -> Self {
        let is_word =
            |token: &&TokenWithSpan| matches!(token.token, Token::Word(_) | Token::Placeholder(_));
        Self(tokens.iter().filter(is_word).cloned().collect())
    }

    /// The verb of a statement.
    pub fn first_word(&self) -> Option<String> {
        self.0.first().map(|token| token.to_string())
    }

    /// The first place of a name, in whatever case.
    pub fn of(&self, name: &str) -> Option<Location> {
        self.first(
            |token| matches!(token, Token::Word(word) if word.value.eq_ignore_ascii_case(name)),
        )
    }

    /// The first place of a parameter, such as `$1`.
    pub fn of_parameter(&self, name: &str) -> Option<Location> {
        self.first(|token| matches!(token, Token::Placeholder(parameter) if parameter == name))
    }

    fn first(&self, is_it: impl Fn(&Token) -> bool) -> Option<Location> {
        let found = self.0.iter().find(|token| is_it(&token.token));
        found.map(|token| token.span.start)
    }
}
