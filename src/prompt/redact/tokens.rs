//! Tokens that say by how they begin what they are. The table is the knowledge; the rest only reads it.

use std::sync::LazyLock;

use super::find::{Kind, Secret, before, begins_word, from, is_word, looks_random, run};

/// The characters of a token behind its prefix.
#[derive(Clone, Copy)]
enum Of {
    Hex,
    /// Capital letters and digits.
    Capitals,
    Alphanumeric,
    /// With `_`.
    Word,
    /// With `_` and `-`.
    Dashed,
    /// With `_`, `-` and `.`.
    Dotted,
    /// With `_`, `-`, `.`, `/`, `+` and `=`.
    Base64,
}

/// What is asked of a token beside its length.
#[derive(Clone, Copy)]
enum If {
    /// Nothing: no other text begins so.
    Any,
    /// That it reads like the work of a generator: words may begin so.
    Random,
}

/// The longest token that is read, in bytes.
const LONGEST: usize = 4_096;

/// Prefix, characters behind it, how many of them at least, and what else is asked.
const TOKENS: &[(&str, Of, usize, If)] = &[
    // GitHub, GitLab, Bitbucket, Atlassian.
    ("ghp_", Of::Alphanumeric, 20, If::Any),
    ("gho_", Of::Alphanumeric, 20, If::Any),
    ("ghu_", Of::Alphanumeric, 20, If::Any),
    ("ghs_", Of::Dotted, 20, If::Random),
    ("ghr_", Of::Alphanumeric, 20, If::Any),
    ("github_pat_", Of::Word, 20, If::Any),
    ("glpat-", Of::Dotted, 16, If::Any),
    ("gldt-", Of::Dashed, 16, If::Random),
    ("glrt-", Of::Dotted, 16, If::Random),
    ("glcbt-", Of::Dashed, 16, If::Random),
    ("glptt-", Of::Dashed, 16, If::Random),
    ("glft-", Of::Dashed, 16, If::Random),
    ("glimt-", Of::Dashed, 16, If::Random),
    ("glagent-", Of::Dashed, 16, If::Random),
    ("glsoat-", Of::Dashed, 16, If::Random),
    ("gloas-", Of::Dashed, 16, If::Random),
    ("ATBB", Of::Alphanumeric, 24, If::Random),
    ("ATATT3x", Of::Base64, 24, If::Any),
    ("ATCTT3x", Of::Base64, 24, If::Any),
    // Chat.
    ("xoxb-", Of::Dashed, 10, If::Any),
    ("xoxp-", Of::Dashed, 10, If::Any),
    ("xoxa-", Of::Dashed, 10, If::Any),
    ("xoxr-", Of::Dashed, 10, If::Any),
    ("xoxs-", Of::Dashed, 10, If::Any),
    ("xoxo-", Of::Dashed, 10, If::Any),
    ("xoxc-", Of::Dashed, 10, If::Any),
    ("xoxd-", Of::Base64, 10, If::Any),
    ("xoxe-", Of::Dashed, 10, If::Any),
    ("xoxe.xox", Of::Dashed, 10, If::Any),
    ("xapp-", Of::Dashed, 20, If::Random),
    ("hooks.slack.com/services/", Of::Base64, 20, If::Any),
    ("hooks.slack.com/workflows/", Of::Base64, 20, If::Any),
    ("discord.com/api/webhooks/", Of::Base64, 30, If::Any),
    ("discordapp.com/api/webhooks/", Of::Base64, 30, If::Any),
    // Clouds.
    ("AKIA", Of::Capitals, 16, If::Any),
    ("ASIA", Of::Capitals, 16, If::Any),
    ("ABIA", Of::Capitals, 16, If::Any),
    ("ACCA", Of::Capitals, 16, If::Any),
    ("ABSK", Of::Base64, 60, If::Random),
    ("AIza", Of::Dashed, 30, If::Any),
    ("GOCSPX-", Of::Dashed, 20, If::Any),
    ("ya29.", Of::Dotted, 20, If::Any),
    ("1//0", Of::Dashed, 40, If::Random),
    ("dop_v1_", Of::Hex, 32, If::Any),
    ("doo_v1_", Of::Hex, 32, If::Any),
    ("dor_v1_", Of::Hex, 32, If::Any),
    ("LTAI", Of::Alphanumeric, 16, If::Random),
    ("fm1_", Of::Base64, 40, If::Random),
    ("fm2_", Of::Base64, 40, If::Random),
    ("fo1_", Of::Dashed, 30, If::Random),
    ("HRKU-", Of::Dashed, 30, If::Random),
    ("nfp_", Of::Alphanumeric, 30, If::Random),
    ("pscale_tkn_", Of::Dotted, 30, If::Any),
    ("pscale_pw_", Of::Dotted, 30, If::Any),
    ("pscale_oauth_", Of::Dotted, 30, If::Any),
    ("sbp_", Of::Hex, 40, If::Any),
    ("sb_secret_", Of::Dashed, 20, If::Any),
    ("dapi", Of::Hex, 32, If::Any),
    ("hvs.", Of::Dashed, 24, If::Any),
    ("hvb.", Of::Dashed, 24, If::Any),
    ("hvr.", Of::Dashed, 24, If::Any),
    ("pul-", Of::Hex, 40, If::Any),
    ("dp.pt.", Of::Alphanumeric, 30, If::Any),
    ("dp.st.", Of::Dotted, 30, If::Any),
    ("ops_eyJ", Of::Dotted, 60, If::Any),
    // Money.
    ("sk_live_", Of::Alphanumeric, 16, If::Any),
    ("rk_live_", Of::Alphanumeric, 16, If::Any),
    ("sk_test_", Of::Alphanumeric, 16, If::Any),
    ("rk_test_", Of::Alphanumeric, 16, If::Any),
    ("whsec_", Of::Base64, 24, If::Random),
    ("sq0atp-", Of::Dashed, 20, If::Any),
    ("sq0csp-", Of::Dashed, 30, If::Any),
    ("EAAAE", Of::Dashed, 50, If::Random),
    ("rzp_live_", Of::Alphanumeric, 14, If::Any),
    ("FLWSECK_", Of::Dashed, 20, If::Any),
    ("access_token$production$", Of::Alphanumeric, 20, If::Any),
    ("shpat_", Of::Alphanumeric, 24, If::Any),
    ("shpss_", Of::Alphanumeric, 24, If::Any),
    ("shpca_", Of::Alphanumeric, 24, If::Any),
    ("shppa_", Of::Alphanumeric, 24, If::Any),
    // Models. The gateway's own keys begin with `sk-` too.
    ("sk-ant-", Of::Dashed, 16, If::Any),
    ("sk-proj-", Of::Dashed, 16, If::Any),
    ("sk-svcacct-", Of::Dashed, 16, If::Any),
    ("sk-admin-", Of::Dashed, 16, If::Random),
    ("sk-or-", Of::Dashed, 16, If::Random),
    ("sk-", Of::Dashed, 16, If::Random),
    ("sk_", Of::Hex, 40, If::Any),
    ("hf_", Of::Alphanumeric, 24, If::Any),
    ("api_org_", Of::Alphanumeric, 30, If::Any),
    ("gsk_", Of::Alphanumeric, 32, If::Any),
    ("xai-", Of::Alphanumeric, 40, If::Any),
    ("pplx-", Of::Alphanumeric, 32, If::Any),
    ("r8_", Of::Alphanumeric, 32, If::Any),
    ("tvly-", Of::Dashed, 24, If::Random),
    ("lsv2_", Of::Word, 32, If::Any),
    ("nvapi-", Of::Dashed, 40, If::Any),
    ("jina_", Of::Dashed, 40, If::Random),
    ("fw_", Of::Alphanumeric, 22, If::Random),
    // Packages and builds.
    ("npm_", Of::Alphanumeric, 30, If::Any),
    ("pypi-", Of::Dashed, 32, If::Random),
    ("rubygems_", Of::Hex, 40, If::Any),
    ("cio", Of::Alphanumeric, 32, If::Random),
    ("oy2", Of::Alphanumeric, 43, If::Random),
    ("CLOJARS_", Of::Alphanumeric, 40, If::Any),
    ("dckr_pat_", Of::Dashed, 20, If::Any),
    ("dckr_oat_", Of::Dashed, 20, If::Any),
    ("AKCp", Of::Alphanumeric, 60, If::Any),
    ("CCIPAT_", Of::Word, 30, If::Any),
    ("bkua_", Of::Hex, 40, If::Any),
    ("sntrys_", Of::Base64, 40, If::Any),
    ("sntryu_", Of::Hex, 40, If::Any),
    ("sqp_", Of::Hex, 40, If::Any),
    ("squ_", Of::Hex, 40, If::Any),
    // Mail, messages, and other services.
    ("SG.", Of::Dotted, 40, If::Random),
    ("key-", Of::Hex, 32, If::Any),
    ("xkeysib-", Of::Dashed, 40, If::Any),
    ("lin_api_", Of::Alphanumeric, 30, If::Any),
    ("lin_oauth_", Of::Alphanumeric, 30, If::Any),
    ("secret_", Of::Alphanumeric, 40, If::Random),
    ("ntn_", Of::Alphanumeric, 40, If::Any),
    ("figd_", Of::Dashed, 30, If::Any),
    ("glsa_", Of::Word, 30, If::Any),
    ("glc_", Of::Base64, 32, If::Random),
    ("dt0c01.", Of::Dotted, 60, If::Any),
    ("NRAK-", Of::Capitals, 24, If::Any),
    ("NRJS-", Of::Hex, 19, If::Any),
    ("PMAK-", Of::Dashed, 40, If::Any),
    ("CFPAT-", Of::Dashed, 40, If::Any),
    ("tfp_", Of::Dotted, 40, If::Random),
    ("sl.", Of::Dashed, 100, If::Random),
    ("EAACEdEose0cBA", Of::Alphanumeric, 20, If::Any),
    ("AAAAAAAAAAAAAAAAAAAAA", Of::Base64, 30, If::Random),
    ("AGE-SECRET-KEY-1", Of::Capitals, 40, If::Any),
];

/// The entries of [`TOKENS`] by their first byte.
static BY_FIRST_BYTE: LazyLock<Vec<Vec<usize>>> = LazyLock::new(|| {
    let mut buckets = vec![Vec::new(); 256];
    for (index, (prefix, ..)) in TOKENS.iter().enumerate() {
        if let Some(&first) = prefix.as_bytes().first() {
            buckets[usize::from(first)].push(index);
        }
    }
    buckets
});

impl Of {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Capitals => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Word => is_word(byte),
            Self::Dashed => is_word(byte) || byte == b'-',
            Self::Dotted => is_word(byte) || matches!(byte, b'-' | b'.'),
            Self::Base64 => is_word(byte) || matches!(byte, b'-' | b'.' | b'/' | b'+' | b'='),
        }
    }
}

/// Appends where tokens stand.
pub(super) fn find(bytes: &[u8], found: &mut Vec<Secret>) {
    let mut dull = Dull::default();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let is_start = byte.is_ascii_alphanumeric() && begins_word(before(bytes, at));
        let token = if is_start {
            token(bytes, at, &mut dull)
        } else {
            None
        };
        match token {
            Some((length, kind)) => {
                found.push(Secret::new(at..at + length, kind));
                at += length;
            }
            None => at += 1,
        }
    }
}

/// The ends of the runs of characters that were found not to read like the work of a generator: no part of them does, so
/// none is looked at twice.
#[derive(Default)]
struct Dull {
    /// By [`Of`].
    runs: [usize; 7],
    /// Of web tokens.
    web: usize,
}

/// The length of the token that begins at `at`, and what it is.
fn token(bytes: &[u8], at: usize, dull: &mut Dull) -> Option<(usize, Kind)> {
    let here = from(bytes, at);
    let bucket = BY_FIRST_BYTE.get(usize::from(*here.first()?))?;
    for (prefix, of, least, condition) in bucket.iter().filter_map(|&index| TOKENS.get(index)) {
        let Some(body) = here.strip_prefix(prefix.as_bytes()) else {
            continue;
        };
        let known = dull.runs.get_mut(*of as usize);
        if matches!(condition, If::Random) && known.as_ref().is_some_and(|end| at < **end) {
            continue;
        }
        let length = body_length(body, *of);
        let looks = match condition {
            If::Any => true,
            If::Random => looks_random(body.get(..length).unwrap_or_default()),
        };
        if *least <= length && looks {
            return Some((prefix.len() + length, Kind::Token(prefix)));
        }
        if let Some(known) = known.filter(|_| !looks) {
            *known = at + prefix.len() + length;
        }
    }
    let shape = |length: Option<usize>, name| Some((length?, Kind::Shape(name)));
    let web_token = web_token(here, at, dull).map(|length| (length, Kind::WebToken));
    web_token
        .or_else(|| shape(bot_token(here), "token of a Telegram bot"))
        .or_else(|| shape(discord_token(here), "token of a Discord bot"))
        .or_else(|| shape(mailchimp_key(here), "Mailchimp key"))
        .or_else(|| shape(twilio_id(here), "Twilio account or key"))
}

/// How much of `body` belongs to the token: none if it goes on as a word of other characters. Punctuation at the end is the
/// sentence's.
fn body_length(body: &[u8], of: Of) -> usize {
    let length = run(body, LONGEST, |byte| of.has(byte));
    if length != LONGEST && body.get(length).is_some_and(|&byte| is_word(byte)) {
        return 0;
    }
    let kept = body.get(..length).unwrap_or_default();
    kept.iter()
        .rposition(|byte| !matches!(byte, b'.' | b'-' | b'/'))
        .map_or(0, |last| last + 1)
}

/// A JSON Web Token, signed or encrypted: parts in base64url between dots, the first of which begins an object.
fn web_token(bytes: &[u8], at: usize, dull: &mut Dull) -> Option<usize> {
    bytes.strip_prefix(b"eyJ").filter(|_| dull.web <= at)?;
    let part = |at: usize| run(from(bytes, at), LONGEST, |byte| Of::Dashed.has(byte));
    let mut end = part(0);
    let mut parts = 1;
    while parts < 5 && bytes.get(end) == Some(&b'.') {
        let length = part(end + 1);
        // The signature may be missing, what is signed may not.
        if length < 8 && parts != 2 {
            break;
        }
        end += 1 + length;
        parts += 1;
    }
    let whole = 3 <= parts && 12 <= end;
    dull.web = at + end;
    whole.then_some(end)
}

/// A Telegram bot's token: its number and 35 characters, in paths behind `bot`.
fn bot_token(bytes: &[u8]) -> Option<usize> {
    let name = if bytes.starts_with(b"bot") { 3 } else { 0 };
    let digits = run(from(bytes, name), 12, |byte| byte.is_ascii_digit());
    let secret = from(bytes, name + digits).strip_prefix(b":")?;
    let length = run(secret, 36, |byte| Of::Dashed.has(byte));
    (6 <= digits && length == 35 && looks_random(secret.get(..length)?))
        .then_some(name + digits + 1 + length)
}

/// A Discord bot's token: its number in base64, a time and a signature between dots.
fn discord_token(bytes: &[u8]) -> Option<usize> {
    if !matches!(bytes.first()?, b'M' | b'N' | b'O') {
        return None;
    }
    let part = |at: usize| run(from(bytes, at), 41, |byte| Of::Dashed.has(byte));
    let first = part(0);
    let second = part(first + 1);
    let third_start = first + second + 2;
    let dots = (bytes.get(first)?, bytes.get(first + 1 + second)?);
    let third = part(third_start);
    let fits = (23..=28).contains(&first) && second == 6 && (27..=40).contains(&third);
    (fits && dots == (&b'.', &b'.')).then_some(third_start + third)
}

/// A Mailchimp key: 32 hexadecimal digits and the name of a data centre.
fn mailchimp_key(bytes: &[u8]) -> Option<usize> {
    let digits = run(bytes, 33, |byte| byte.is_ascii_hexdigit());
    let centre = from(bytes, digits).strip_prefix(b"-us")?;
    let number = run(centre, 3, |byte| byte.is_ascii_digit());
    (digits == 32 && 0 < number).then_some(digits + 3 + number)
}

/// An account or key of Twilio: its letters and exactly 32 hexadecimal digits.
fn twilio_id(bytes: &[u8]) -> Option<usize> {
    let digits = bytes
        .strip_prefix(b"AC")
        .or_else(|| bytes.strip_prefix(b"SK"))?;
    let length = run(digits, 33, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let ends = digits.get(32).is_none_or(|&byte| !is_word(byte));
    (length == 32 && ends).then_some(34)
}
