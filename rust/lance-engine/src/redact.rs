//! What error texts must not repeat: credentials, which URLs and the answers of servers may hold.

/// Before the answer of a server, in the texts of `object_store`.
const ANSWERS: [&str; 2] = [
    "Server returned non-2xx status code: ",
    "Server returned error response: ",
];

/// Parameters of signed URLs, whose values grant what they sign.
const SIGNATURES: [&str; 5] = [
    "sig",
    "signature",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
    "X-Goog-Signature",
];

/// Remove credentials from a text.
pub fn redact(text: &str) -> String {
    without_passwords(&without_signatures(&without_answer(text)))
}

/// Servers quote the request they refuse, signatures and tokens included, so of an answer only the status and
/// the error code stay.
fn without_answer(text: &str) -> String {
    let Some((start, answer)) = ANSWERS
        .iter()
        .find_map(|marker| text.find(marker).map(|at| text.split_at(at + marker.len())))
    else {
        return text.to_string();
    };
    let status = answer
        .split(':')
        .next()
        .filter(|status| status.starts_with(|c: char| c.is_ascii_digit()));
    let code = answer
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"))
        .map(|(code, _)| code)
        .filter(|code| code.bytes().all(|c| c.is_ascii_alphanumeric()));
    let known: Vec<_> = status.into_iter().chain(code).collect();
    format!("{start}{}", known.join(": "))
}

/// `?a=b&sig=secret` becomes `?a=b&sig=***`.
fn without_signatures(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['?', '&']) {
        let (before, after) = rest.split_at(at + 1);
        clean.push_str(before);
        rest = after;
        let is_signature = |name: &str| SIGNATURES.iter().any(|it| it.eq_ignore_ascii_case(name));
        if let Some((name, value)) = after.split_once('=')
            && is_signature(name)
        {
            clean.push_str(name);
            clean.push_str("=***");
            let end = value.find(|c: char| c.is_whitespace() || "&#\"'`<>".contains(c));
            rest = &value[end.unwrap_or(value.len())..];
        }
    }
    clean.push_str(rest);
    clean
}

/// `scheme://user:password@host` becomes `scheme://***@host`.
fn without_passwords(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        clean.push_str(before);
        let authority = after
            .find(|c: char| c.is_whitespace() || "/?#\"'`<>".contains(c))
            .unwrap_or(after.len());
        rest = match after[..authority].rfind('@') {
            Some(end) if after[..end].contains(':') => {
                clean.push_str("***");
                &after[end..]
            }
            _ => after,
        };
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_cut_down_to_its_status_and_code() {
        let start =
            "Error performing GET http://h/b in 1ms - Server returned non-2xx status code: ";
        let answers = [
            (
                "403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code><StringToSign>x</StringToSign></Error>",
                "403 Forbidden: SignatureDoesNotMatch",
            ),
            ("400 Bad Request: {\"error\": \"x\"}", "400 Bad Request"),
            ("400 Bad Request: <Code>a b</Code>", "400 Bad Request"),
            ("502 Bad Gateway: ", "502 Bad Gateway"),
        ];
        for (answer, kept) in answers {
            assert_eq!(
                redact(&format!("{start}{answer}")),
                format!("{start}{kept}")
            );
        }
        assert_eq!(
            redact("Server returned error response: <Error><Code>SlowDown</Code>x</Error>"),
            "Server returned error response: SlowDown"
        );
    }

    #[test]
    fn passwords_in_urls_are_masked() {
        assert_eq!(
            redact("GET http://user:p@ss@host:80/a and 'https://u:p@h'"),
            "GET http://***@host:80/a and 'https://***@h'"
        );
    }

    #[test]
    fn signatures_in_urls_are_masked() {
        assert_eq!(
            redact(
                "PUT 'https://h/c/b?sv=2024&SIG=a%2Fb&comp=block' and https://h/b?x-amz-signature=ab"
            ),
            "PUT 'https://h/c/b?sv=2024&SIG=***&comp=block' and https://h/b?x-amz-signature=***"
        );
    }

    #[test]
    fn other_texts_stay() {
        for text in [
            "no such file: /a@b:c",
            "sign = '?sig' & signature=1",
            "abfss://container@account.dfs.core.windows.net/a:b",
            "s3://bucket/user:name@x",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
