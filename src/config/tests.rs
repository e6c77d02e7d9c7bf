//! Where settings and credentials come from, place by place.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;

use super::file::ConfigFile;
use super::file_error::{ACCOUNT_KEYS, OTHER_KEYS};
use super::layers::{Origin, Sourced};
use super::option::nearest;
use super::*;
use crate::api::{Accounts, ApiVersion, Credentials};
use crate::error_chain;
use crate::invitation::AccountName;

const SECRET: &str = "AQEDAhidden";

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// The places with these variables; `DIR` in them is this place.
    fn layers(
        &self,
        flags: &[(&'static str, &str)],
        variables: &[(&str, &str)],
    ) -> Result<(Layers, Environment), SettingsError> {
        let dir = self.dir.path().display().to_string();
        let home = [("HOME", dir.as_str())];
        let variables: Vec<_> =
            home.iter().chain(variables).map(|(name, value)| (*name, value.replace("DIR", &dir))).collect();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let environment = Environment::from(variables.as_slice());
        let takes = |command: &Command| {
            flags.iter().all(|(name, _)| {
                let takes = |entry: &Entry| command.takes(entry) || entry.places == Places::GlobalFlag;
                ENTRIES.iter().any(|entry| entry.name == *name && takes(entry))
            })
        };
        let command = Command::ALL.into_iter().find(takes).unwrap_or(Command::Run);
        let flags = flags.iter().map(|(name, value)| (*name, value.replace("DIR", &dir).into())).collect();
        let mut layers = Layers::of_flags(command, flags)?;
        layers.put_over(&environment)?;
        Ok((layers, environment))
    }

    /// The settings of a command that come of these.
    fn resolve(
        &self,
        command: Command,
        flags: &[(&'static str, &str)],
        variables: &[(&str, &str)],
    ) -> Result<Settings, SettingsError> {
        let (layers, environment) = self.layers(flags, variables)?;
        Settings::resolve(command, &layers, &environment)
    }

    /// Its error in one line, with the place's name taken out.
    fn error(&self, variables: &[(&str, &str)]) -> String {
        let error = self.resolve(Command::Run, &[], variables).unwrap_err();
        let line = error_chain(&error).replace(&self.dir.path().display().to_string(), "DIR");
        assert!(!line.contains('\n') && !line.contains(SECRET), "{line}");
        line
    }
}

const HOME_FILE: &str = ".config/bulk-withdraw/config.toml";
const BOTH: [(&str, &str); 2] = [("LINKUP_API_KEY", "key"), ("LINKUP_LOGIN_TOKEN", "token")];

fn tokens(credentials: &Credentials) -> Vec<(String, String)> {
    let Accounts::V1(tokens) = &credentials.accounts else { panic!("not V1") };
    let mut tokens: Vec<_> =
        tokens.iter().map(|(name, token)| (name.to_string(), token.expose_secret().to_owned())).collect();
    tokens.sort();
    tokens
}

fn credentials(shared: &Settings) -> &Credentials {
    match &shared.target {
        Target::Real { credentials, .. } => credentials.as_ref().unwrap(),
        Target::Sandbox => panic!("a rehearsal"),
    }
}

#[test]
fn a_flag_counts_before_the_environment_and_that_before_the_file() {
    let place = Place::new();
    place.write(HOME_FILE, "# three\nretries = 3\n\nrate = \"3/s\"\n");
    let four = ("BULK_WITHDRAW_RATE", "4/s");
    let in_file = Origin::File { path: place.path(HOME_FILE), line: Some(4) };
    let cases = [
        (vec![("rate", "5/s")], vec![four], "5/s", Origin::Flag),
        (vec![], vec![four], "4/s", Origin::Variable("BULK_WITHDRAW_RATE".to_owned())),
        (vec![], vec![], "3/s", in_file),
        (vec![], vec![("HOME", "DIR/nobody")], "290/min", Origin::Default),
        (vec![], vec![("XDG_CONFIG_HOME", "DIR/none")], "290/min", Origin::Default),
    ];
    for (flags, variables, rate, origin) in cases {
        let (layers, environment) = place.layers(&flags, &[&BOTH, variables.as_slice()].concat()).unwrap();
        let found = layers.find_or_default(&RATE).unwrap();
        assert_eq!((found.value.to_string().as_str(), found.origin), (rate, origin), "{variables:?}");
        assert_eq!(layers.find_or_default(&MAX_ERRORS).unwrap(), Sourced::default(20));
        let settings = Settings::resolve(Command::Run, &layers, &environment).unwrap();
        assert_eq!(settings.rate.to_string(), rate);
    }
}

#[test]
fn which_file_is_read() {
    let place = Place::new();
    for (name, retries) in
        [(HOME_FILE, 1), ("xdg/bulk-withdraw/config.toml", 2), ("variable.toml", 3), ("flag.toml", 4)]
    {
        place.write(name, &format!("retries = {retries}"));
    }
    let xdg = ("XDG_CONFIG_HOME", "DIR/xdg");
    let variable = ("BULK_WITHDRAW_CONFIG", "DIR/variable.toml");
    let cases = [
        (vec![], vec![], 1),
        (vec![], vec![("XDG_CONFIG_HOME", "relative")], 1),
        (vec![], vec![xdg], 2),
        (vec![], vec![xdg, variable], 3),
        (vec![("config", "DIR/flag.toml")], vec![xdg, variable], 4),
    ];
    for (flags, variables, retries) in cases {
        let settings = place.resolve(Command::Run, &flags, &[&BOTH, variables.as_slice()].concat()).unwrap();
        assert_eq!(settings.retries, retries, "{variables:?}");
    }
    let missing = place.resolve(Command::Run, &[("config", "DIR/none.toml")], &BOTH).unwrap_err();
    assert!(error_chain(&missing).contains("none.toml: can't be read: No such file"), "{missing}");
}

#[test]
fn paths_in_the_file_are_taken_from_where_it_lies() {
    let place = Place::new();
    place.write(
        HOME_FILE,
        "ledger = \"a.db\"\napi_key_file = \"key\"\n[accounts.default]\nlogin_token_file = \"/dev/null\"",
    );
    place.write(".config/bulk-withdraw/key", "");
    let error = place.error(&[]);
    assert!(error.contains("DIR/.config/bulk-withdraw/key is empty"), "{error}");
    let shared = place.resolve(Command::Run, &[], &BOTH).unwrap();
    assert_eq!(shared.ledger.unwrap(), place.path(".config/bulk-withdraw/a.db"));
}

#[test]
fn each_place_of_a_credential_counts_before_the_next() {
    let place = Place::new();
    place.write(HOME_FILE, "api_key = \"k4\"\n[accounts.default]\nlogin_token = \"t4\"\ncountry = \"DE\"");
    place.write("key", "k2\n");
    place.write("token", " t2\r\n");
    place.write("systemd/linkup_api_key", "k3\n");
    place.write("systemd/linkup_login_token", "t3\n");
    let directory = ("CREDENTIALS_DIRECTORY", "DIR/systemd");
    let key_file = ("LINKUP_API_KEY_FILE", "DIR/key");
    let token_file = ("LINKUP_LOGIN_TOKEN_FILE", "DIR/token");
    let key = ("LINKUP_API_KEY", " k1\n");
    let cases = [
        (vec![], "k4", "t4"),
        (vec![directory], "k3", "t3"),
        (vec![directory, token_file], "k3", "t2"),
        (vec![directory, key_file, token_file], "k2", "t2"),
        (vec![directory, key, token_file], "k1", "t2"),
        (vec![key, ("CREDENTIALS_DIRECTORY", "DIR/nobody")], "k1", "t4"),
    ];
    for (variables, key, token) in cases {
        let shared = place.resolve(Command::Run, &[], &variables).unwrap();
        let credentials = credentials(&shared);
        assert_eq!(credentials.api_key.expose_secret(), key, "{variables:?}");
        assert_eq!(tokens(credentials), [("default".to_owned(), token.to_owned())], "{variables:?}");
        // The table's country stays, whose token ever it is.
        assert_eq!(shared.accounts[&AccountName::default()].country.as_str(), "DE");
        let shown = format!("{shared:?}");
        assert!(!shown.contains("t4\"") && !shown.contains("k4\""), "{shown}");
    }
}

const TABLES: &str =
    "api_key = \"k\"\n[accounts.a]\nlogin_token = \"ta\"\n[accounts.b]\nlogin_token = \"tb\"\naccount_id = \"ib\"\n";

#[test]
fn the_credentials_choose_the_version_and_its_accounts() {
    let place = Place::new();
    place.write("tables.toml", TABLES);
    let tables = ("BULK_WITHDRAW_CONFIG", "DIR/tables.toml");
    let (key, token, id) = (BOTH[0], BOTH[1], ("LINKUP_ACCOUNT_ID", "acc_1"));
    let account = ("BULK_WITHDRAW_ACCOUNT", "b");
    let (v1, v2) = (("BULK_WITHDRAW_API", "v1"), ("BULK_WITHDRAW_API", "V2"));
    let cases = [
        (vec![key, token], ApiVersion::V1, "a login token is set: environment variable LINKUP_LOGIN_TOKEN", "default"),
        (vec![key, id], ApiVersion::V2, "an account ID is set: environment variable LINKUP_ACCOUNT_ID", "default"),
        (vec![key, token, id, v1], ApiVersion::V1, "environment variable BULK_WITHDRAW_API", "default"),
        (vec![key, token, id, v2], ApiVersion::V2, "environment variable BULK_WITHDRAW_API", "default"),
        (vec![tables, v1, account], ApiVersion::V1, "environment variable BULK_WITHDRAW_API", "a b"),
        // One account alone has an ID, so it needs not be named.
        (vec![tables, v2], ApiVersion::V2, "environment variable BULK_WITHDRAW_API", "b"),
        (vec![tables, token, v1], ApiVersion::V1, "environment variable BULK_WITHDRAW_API", "a b default"),
    ];
    for (variables, api, reason, accounts) in cases {
        let shared = place.resolve(Command::Run, &[], &variables).unwrap();
        assert_eq!((shared.api, shared.api_reason.to_string().as_str()), (api, reason), "{variables:?}");
        assert_eq!(shared.api, api);
        let names: Vec<_> = shared.accounts.keys().map(AccountName::as_str).collect();
        assert_eq!(names.join(" "), accounts, "{variables:?}");
        assert_eq!(credentials(&shared).accounts.names().len(), names.len());
    }
}

#[test]
fn an_account_s_own_limits_count_before_those_of_all() {
    let place = Place::new();
    let own = "country = \"DE\"\ngap = \"1m\"\ndaily_cap = 25\nbetween = \"22:00-06:00\"\n";
    place.write(
        HOME_FILE,
        &format!("api_key = \"k\"\ndaily_cap = 40\n[accounts.a]\nlogin_token = \"t\"\n{own}[accounts.b]\nlogin_token = \"t\"\n"),
    );
    let flags = [("gap", "2s..6s"), ("between", "09:00-17:00")];
    let (layers, environment) = place.layers(&flags, &[]).unwrap();
    let settings = Settings::resolve(Command::Run, &layers, &environment).unwrap();
    let of = |country: &str, gap: &str, cap, between: &str| AccountSettings {
        country: crate::invitation::Country::parse(country).unwrap(),
        gap: Some(gap.parse().unwrap()),
        daily_cap: Some(cap),
        between: Some(between.parse().unwrap()),
    };
    let accounts: Vec<_> = settings.accounts.values().cloned().collect();
    assert_eq!(accounts, [of("DE", "1m", 25, "22:00-06:00"), of("FR", "2s..6s", 40, "09:00-17:00")]);
    let listed: Vec<_> =
        settings.listing(&layers).into_iter().filter(|line| line.name.starts_with("accounts.")).collect();
    let shown: Vec<_> = listed.iter().map(|Setting { name, value, .. }| format!("{name} {value}")).collect();
    let secret = "set (masked)";
    assert_eq!(
        shown,
        [
            format!("accounts.a.login_token {secret}"),
            "accounts.a.country DE".to_owned(),
            "accounts.a.gap 1m".to_owned(),
            "accounts.a.daily_cap 25".to_owned(),
            "accounts.a.between 22:00-06:00".to_owned(),
            format!("accounts.b.login_token {secret}"),
        ]
    );
    assert!(listed[3].origin.ends_with("config.toml:7"), "{:?}", listed[3]);
}

#[test]
fn a_share_has_its_part_of_rate_and_limits() {
    let place = Place::new();
    let own = "daily_cap = 9\ngap = \"1s\"\n";
    let limits = "max_withdrawals = 10\nmax_credits = 3\ndaily_cap = 41\ngap = \"2s..6s\"\n";
    let accounts = format!("[accounts.a]\nlogin_token = \"t\"\n{own}[accounts.b]\nlogin_token = \"t\"\n");
    place.write(HOME_FILE, &format!("api_key = \"k\"\n{limits}{accounts}"));
    let of = |partition, job: &[(&str, &str)]| {
        let (layers, environment) = place.layers(&[("partition", partition)], job).unwrap();
        let settings = Settings::resolve(Command::Run, &layers, &environment).unwrap();
        let ledger = settings.ledger.clone().unwrap();
        let accounts = settings.accounts.values().map(|own| (own.daily_cap.unwrap(), own.gap.unwrap().to_string()));
        let limits = (settings.max_withdrawals.unwrap(), settings.max_credits.unwrap());
        let (ledger, rate) = (ledger.file_name().unwrap().to_owned(), settings.rate.to_string());
        (limits, accounts.collect::<Vec<_>>(), rate, ledger.into_string().unwrap(), settings.max_errors)
    };
    let caps = |a, b| vec![(a, "4s".to_owned()), (b, "8s..24s".to_owned())];
    let expected = |limits, caps, ledger: &str| (limits, caps, "286/4m".to_owned(), ledger.to_owned(), 20);
    assert_eq!(of("1/4", &[]), expected((3, 1), caps(3, 11), "ledger-1-of-4.db"));
    let job = [("JOB_COMPLETION_INDEX", "3"), ("JOB_COMPLETIONS", "4")];
    assert_eq!(of("auto", &job), expected((2, 0), caps(2, 10), "ledger-4-of-4.db"));
}

#[test]
fn which_accounts_are_taken() {
    let place = Place::new();
    let tables = "api_key = \"k\"\n[accounts.a]\nlogin_token = \"t\"\n[accounts.b]\nlogin_token = \"t\"\n";
    place.write("several.toml", tables);
    place.write("one.toml", "api_key = \"k\"\n[accounts.a]\nlogin_token = \"t\"\n");
    let token = ("LINKUP_LOGIN_TOKEN", "t");
    let cases = [
        ("several.toml", vec![], "", "a b"),
        ("several.toml", vec![("BULK_WITHDRAW_ACCOUNT", "b")], "b", "b"),
        // Named or not, no one of several is the default.
        ("several.toml", vec![token], "", "a b default"),
        ("one.toml", vec![], "a", "a"),
        ("one.toml", vec![("BULK_WITHDRAW_SANDBOX", "true")], "a", "a"),
        ("one.toml", vec![token, ("BULK_WITHDRAW_SANDBOX", "true")], "", "a default"),
    ];
    for (file, variables, account, taken) in cases {
        let named = place.path(file).display().to_string();
        let settings = place.resolve(Command::List, &[("config", &named)], &variables).unwrap();
        assert_eq!(settings.account.as_ref().map_or("", AccountName::as_str), account, "{file} {variables:?}");
        assert_eq!(
            names(settings.listed_accounts().map(|(name, _)| name)).replace(',', ""),
            taken,
            "{file} {variables:?}"
        );
    }
}

#[test]
fn a_run_is_longer_than_a_call() {
    let place = Place::new();
    let variables = [BOTH[0], BOTH[1], ("BULK_WITHDRAW_TIMEOUT", "30s")];
    for (duration, is_refused) in [("30s", true), ("31s", false), ("1ms", true)] {
        let resolved = place.resolve(Command::Run, &[("max_duration", duration)], &variables);
        let said = resolved.map_err(|error| error.to_string()).err();
        let message = "--max-duration must be longer than --timeout: no call could be made in that time";
        assert_eq!(said, is_refused.then(|| message.to_owned()), "{duration}");
    }
}

#[test]
fn wrong_credentials_are_told_in_one_line_that_shows_none_of_them() {
    let place = Place::new();
    place.write("tables.toml", TABLES);
    place.write("empty", " \n");
    fs::create_dir(place.path("linkup_api_key")).unwrap();
    place.write("spaced", &format!("{SECRET} {SECRET}"));
    fs::write(place.path("binary"), [0xff, 0xfe]).unwrap();
    place.write("bare.toml", "[accounts.sales]\ncountry = \"DE\"");
    let tables = ("BULK_WITHDRAW_CONFIG", "DIR/tables.toml");
    let (key, token) = BOTH.into();
    let cases = [
        (vec![], "set LINKUP_API_KEY and LINKUP_LOGIN_TOKEN in the environment"),
        (vec![token], "set LINKUP_API_KEY in"),
        (vec![key], "set LINKUP_LOGIN_TOKEN in"),
        (vec![key, token, ("BULK_WITHDRAW_API", "v2")], "set LINKUP_ACCOUNT_ID in"),
        (vec![key, ("LINKUP_API_KEY_FILE", SECRET)], "LINKUP_API_KEY and LINKUP_API_KEY_FILE are both set"),
        (vec![key, ("LINKUP_LOGIN_TOKEN", " ")], "LINKUP_LOGIN_TOKEN is empty"),
        (vec![key, ("LINKUP_LOGIN_TOKEN_FILE", "DIR/empty")], "DIR/empty is empty"),
        (vec![key, ("LINKUP_LOGIN_TOKEN_FILE", "")], "LINKUP_LOGIN_TOKEN_FILE is empty"),
        (
            vec![key, ("LINKUP_LOGIN_TOKEN_FILE", SECRET)],
            "environment variable LINKUP_LOGIN_TOKEN_FILE must name a file that holds the credential: can't be read",
        ),
        (vec![key, ("LINKUP_LOGIN_TOKEN_FILE", "DIR/binary")], "LINKUP_LOGIN_TOKEN_FILE must name"),
        (vec![key, ("LINKUP_LOGIN_TOKEN_FILE", "DIR/binary")], "no text file"),
        (vec![("CREDENTIALS_DIRECTORY", "DIR"), token], "file DIR/linkup_api_key: can't be read"),
        (vec![key, ("LINKUP_ACCOUNT_ID_FILE", "DIR/spaced")], "an account ID can't contain spaces"),
        (
            vec![key, token, ("LINKUP_ACCOUNT_ID", "acc_1")],
            "a login token (environment variable LINKUP_LOGIN_TOKEN) asks for V1 of the API, and an account ID \
             (environment variable LINKUP_ACCOUNT_ID) for V2: choose with --api",
        ),
        (vec![tables], "a login token (file DIR/tables.toml:3) asks for V1"),
        (
            vec![tables, ("BULK_WITHDRAW_API", "v2"), ("BULK_WITHDRAW_ACCOUNT", "a")],
            "BULK_WITHDRAW_ACCOUNT: account \"a\" is not configured; configured: b",
        ),
        (vec![key, ("BULK_WITHDRAW_CONFIG", "DIR/bare.toml")], "the account \"sales\" has no credential"),
        (vec![key, token, ("BULK_WITHDRAW_BASE_URL", "http://me:AQEDAhidden@x")], "BULK_WITHDRAW_BASE_URL would send"),
        (vec![key, token, ("BULK_WITHDRAW_TIMEOUT", "0s")], "BULK_WITHDRAW_TIMEOUT must be a time longer than zero"),
        (vec![key, token, ("BULK_WITHDRAW_RATE", "unlimited")], "BULK_WITHDRAW_RATE unlimited is for loopback"),
    ];
    for (variables, message) in cases {
        let error = place.error(&variables);
        assert!(error.contains(message), "{variables:?}: {error}");
    }
}

#[test]
fn what_calls_nobody_needs_no_credentials_and_a_rehearsal_reads_none() {
    let place = Place::new();
    let shared = place.resolve(Command::Config, &[], &[]).unwrap();
    assert!(matches!(shared.target, Target::Real { credentials: None, .. }));
    assert_eq!(shared.account, Some(AccountName::default()));

    place.write(HOME_FILE, "sandbox = true\napi_key_file = \"none\"\n[accounts.sales]\nlogin_token_file = \"none\"");
    let variables = [("LINKUP_API_KEY", ""), ("LINKUP_LOGIN_TOKEN_FILE", "DIR/none"), ("LINKUP_ACCOUNT_ID", "x")];
    let shared = place.resolve(Command::Run, &[], &variables).unwrap();
    assert!(matches!(shared.target, Target::Sandbox));
    assert_eq!(shared.accounts.keys().map(AccountName::as_str).collect::<Vec<_>>(), ["default", "sales"]);
    assert!(shared.ledger.is_none());
}

#[test]
fn what_is_wrong_in_the_file_is_told_with_its_line_and_without_its_value() {
    let cases = [
        ("concurency = 4", "1: unknown key `concurency` (did you mean `concurrency`?)"),
        ("\n\nbase-url = \"x\"", "3: unknown key `base-url` (did you mean `base_url`?)"),
        ("dry_run = true", "1: unknown key `dry_run`: give --dry-run on the command line"),
        ("login_token = \"AQEDAhidden\"", "1: unknown key `login_token`: it belongs in its account's table"),
        (
            "[accounts.a]\nrate = \"1/s\"",
            "2: unknown key `rate`: it belongs above the first table, like [accounts.default]",
        ),
        ("[accounts.a]\nlogin_tokn = \"AQEDAhidden\"", "2: unknown key `login_tokn` (did you mean `login_token`?)"),
        ("[account.a]\nlogin_token = \"AQEDAhidden\"", "1: account must be the name of an account"),
        ("AQEDAhiddenAQEDAhiddenAQEDAhidden = 1", "1: unknown key"),
        ("rate = \"AQEDAhidden\"", "1: rate must be a call rate, like \"290/min\""),
        ("rate = 290", "1: rate must be"),
        ("retries = -1", "1: retries must be a whole number from 0 to 4294967295"),
        ("concurrency = 4.5", "1: concurrency must be a number from 1 to 1000"),
        ("timeout = 60", "1: timeout must be a time"),
        ("sandbox = \"perhaps\"", "1: sandbox must be true or false"),
        ("api = \"v3\"", "1: api must be \"v1\" or \"v2\""),
        ("country = \"\"", "1: country must be"),
        ("success_messages = [\"Done\", \" \"]", "1: success_messages must be a list of texts"),
        ("success_messages = [\"Done\", 7]", "1: success_messages must be a list of texts"),
        ("success_messages = \"[]\"", "1: success_messages must be a list of texts"),
        ("not_match = \"hidden\"", "1: not_match must be a text that is not empty (in the configuration file, a list"),
        ("match = [\"\"]", "1: match must be a text that is not empty"),
        ("ledger = \"\"", "1: ledger must be the path of a file"),
        ("api_key = 123456789", "1: api_key must be a text in quotes, not empty"),
        ("api_key = \"\"", "1: api_key must be a text in quotes, not empty"),
        ("api_key = [\"AQEDAhidden\"]", "1: api_key must be a text"),
        ("api_key = \"AQEDAhidden\"\napi_key_file = \"x\"", "and its other form are both set"),
        ("[accounts.a]\nlogin_token = \"x\"\nlogin_token_file = \"y\"", "and its other form are both set"),
        ("accounts = 3", "1: accounts must be a table for each account"),
        ("accounts.a = \"AQEDAhidden\"", "1: an account is a table"),
        ("[accounts.\" \"]", "1: an account needs a name"),
        ("[accounts.a]\n[accounts.\"a \"]", "2: this account is defined twice"),
        ("[accounts.a]\ncountry = 3", "2: country must be a country code"),
        ("[accounts.a]\ngap = 3", "2: gap must be two times, the shorter one first"),
        ("[accounts.a]\ndaily_cap = -1", "2: daily_cap must be a whole number, 0 or more"),
        ("[accounts.a]\nbetween = \"9-17\"", "2: between must be hours of the day"),
        (
            "[accounts.a]\nmax_credits = 3",
            "2: unknown key `max_credits`: it belongs above the first table, like [accounts.default]",
        ),
        ("rate = \"1/s\"\nrate = \"2/s\"", "2: not valid TOML: duplicate key"),
        ("\napi_key = \"AQEDAhidden", "2: not valid TOML"),
        ("\napi_key = AQEDAhidden\"", "2: not valid TOML"),
        ("api_key = AQEDAhidden", "1: not valid TOML"),
        ("api_key = \"\\qAQEDAhidden\"", "1: not valid TOML"),
        ("api_key: AQEDAhidden", "1: not valid TOML"),
        ("AQEDAhidden", "1: not valid TOML"),
        ("LINKUP_API_KEY=AQEDAhidden", "1: not valid TOML"),
        ("api_key = \"\"\"\nAQEDAhidden\n", "not valid TOML"),
        ("api_key.AQEDAhidden = \"x\"\napi_key.AQEDAhidden.y = 1", "not valid TOML"),
    ];
    for (text, message) in cases {
        let error = error_chain(&ConfigFile::parse(Path::new("c.toml"), text).unwrap_err());
        assert!(error.starts_with("c.toml:") && error.contains(message), "{text:?}: {error}");
        assert!(
            !error.contains("hidden") && !error.contains("123456789") && !error.contains('\n'),
            "{text:?}: {error}"
        );
    }
}

#[test]
fn the_sample_holds_every_key_with_its_default() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/config.toml");
    let sample = fs::read_to_string(&path).unwrap();
    let file = ConfigFile::parse(&path, &sample).unwrap();
    assert!(settings().all(|entry| file.option(entry.name).is_none()), "the sample sets something as it is");
    // A comment's words follow a space, a setting that is commented out follows at once.
    let keys = |line: &str| line.split_once(" =").map(|(key, _)| key.to_owned());
    let set: Vec<_> =
        sample.lines().filter_map(|line| line.strip_prefix('#')).filter(|l| !l.starts_with(' ')).collect();
    let named: Vec<_> = set.iter().filter_map(|line| keys(line)).collect();
    for key in OTHER_KEYS.into_iter().chain(ACCOUNT_KEYS) {
        let is_there = named.iter().any(|name| name == key) || set.iter().any(|l| l.starts_with(&format!("[{key}.")));
        assert!(is_there, "{key} is missing");
    }
    for entry in settings() {
        let described = format!("# {}\n#{} = ", entry.help, entry.name);
        assert!(sample.contains(&described), "the sample should describe {} as the help does", entry.name);
    }
    for left_out in ["api_key =", "api_key_file ="] {
        let text: String = set.iter().filter(|l| !l.starts_with(left_out)).map(|line| format!("{line}\n")).collect();
        let file = ConfigFile::parse(&path, &text).unwrap();
        assert_eq!((file.accounts.len(), file.api_key.is_some()), (3, true));
        for entry in settings() {
            let Sourced { value, .. } = file.option(entry.name).unwrap();
            match entry.default {
                Default::Text(text) => assert_eq!(value, text, "{}", entry.name),
                Default::None | Default::Depends(_) => {}
            }
        }
    }
}

#[test]
fn every_default_is_a_value_of_its_option_and_every_name_stands_once() {
    for entry in ENTRIES {
        match entry.default {
            Default::Text(text) => assert!((entry.accepts)(OsStr::new(text)), "{}: {text}", entry.name),
            Default::None | Default::Depends(_) => {}
        }
        assert!(!entry.help.is_empty() && !entry.wanted.is_empty(), "{}", entry.name);
        let same =
            |other: &&&Entry| other.name == entry.name && (other.on & entry.on != 0 || other.places == entry.places);
        let is_twice = ["limit", "format"].contains(&entry.name);
        assert!(ENTRIES.iter().filter(same).count() == 1 || is_twice, "{}", entry.name);
        for conflict in entry.conflicts {
            assert!(ENTRIES.iter().any(|other| other.name == *conflict), "{conflict}");
        }
    }
}

#[test]
fn which_options_the_environment_sets() {
    let place = Place::new();
    let variables = [
        ("BULK_WITHDRAW_RATE", " 4/s "),
        ("BULK_WITHDRAW_MAX_ERRORS", "0"),
        ("BULK_WITHDRAW_WITHOUT_MEANING", "1"),
        ("LINKUP_API_KEY", "key"),
    ];
    let (layers, environment) = place.layers(&[], &variables).unwrap();
    assert_eq!((layers.get(&RATE), layers.get(&MAX_ERRORS)), ("4/s".parse().ok(), Some(0)));
    assert_eq!(layers.get(&CONCURRENCY), None);
    assert!(!format!("{environment:?}").contains("\"key\""));
}

#[test]
fn what_is_refused_names_its_place_and_never_its_value() {
    let place = Place::new();
    let variables = [
        ("BULK_WITHDRAW_RATE", "hidden", "BULK_WITHDRAW_RATE must be a call rate"),
        ("BULK_WITHDRAW_CONCURRENCY", "0", "BULK_WITHDRAW_CONCURRENCY must be a number from 1"),
        ("BULK_WITHDRAW_TIMEOUT", "", "BULK_WITHDRAW_TIMEOUT is empty"),
        ("BULK_WITHDRAW_LEDGER", "", "BULK_WITHDRAW_LEDGER is empty"),
        ("BULK_WITHDRAW_SANDBOX", "hidden", "BULK_WITHDRAW_SANDBOX must be true or false"),
        ("BULK_WITHDRAW_API", "hidden", "BULK_WITHDRAW_API must be \"v1\" or \"v2\""),
        ("BULK_WITHDRAW_MATCH", " \n ", "BULK_WITHDRAW_MATCH is empty"),
        ("BULK_WITHDRAW_DRY_RUN", "hidden", "BULK_WITHDRAW_DRY_RUN has no effect: give --dry-run"),
    ];
    for (name, value, message) in variables {
        let error = place.layers(&[], &[(name, value)]).unwrap_err().to_string();
        assert!(error.starts_with(message) && !error.contains("hidden"), "{error}");
    }
    // A wrong value counts in a place that another one overrides, too.
    let both = place.layers(&[("rate", "4/s")], &[("BULK_WITHDRAW_RATE", "hidden")]);
    assert!(both.unwrap_err().to_string().starts_with("BULK_WITHDRAW_RATE must be"));
    let flag = place.layers(&[("rate", "hidden")], &[]).unwrap_err().to_string();
    assert!(flag.starts_with("--rate must be a call rate") && !flag.contains("hidden"), "{flag}");
}

#[test]
fn a_list_of_texts_comes_from_the_highest_place_whole() {
    let place = Place::new();
    place.write(HOME_FILE, "match = [\"a, b\", \" c \"]\nnot_match = []\n");
    let flag = list_of(["d\"e", "f"].into_iter());
    let variable = ("BULK_WITHDRAW_MATCH", "x\n\n y\n");
    let cases = [
        (vec![], vec![], ["a, b", " c "]),
        (vec![], vec![variable], ["x", "y"]),
        (vec![("match", flag.as_str())], vec![variable], ["d\"e", "f"]),
    ];
    for (flags, variables, expected) in cases {
        let settings = place.resolve(Command::List, &flags, &[&BOTH, variables.as_slice()].concat()).unwrap();
        assert_eq!(settings.which.matching, expected);
        assert_eq!(settings.which.not_matching, [""; 0]);
    }
}

#[test]
fn what_a_mistyped_name_meant() {
    let cases = [
        ("concurency", Some("concurrency")),
        ("Concurrency", Some("concurrency")),
        ("base-url", Some("base_url")),
        ("max_error", Some("max_errors")),
        ("retry", Some("retry_max")),
        ("timeouts", Some("timeout")),
        ("colour_of_the_sky", None),
        ("x", None),
    ];
    for (typed, meant) in cases {
        assert_eq!(nearest(typed, settings().map(|entry| entry.name)), meant, "{typed}");
    }
}

/// The table of options in `docs/` is this one.
#[test]
fn the_docs_hold_the_table_of_options() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md")).unwrap();
    let mut table = "| option | what it does | default | for |\n|---|---|---|---|\n".to_owned();
    for entry in ENTRIES.iter().filter(|entry| !matches!(entry.places, Places::Argument | Places::File)) {
        let commands: Vec<_> = Command::ALL
            .iter()
            .filter(|command| **command != Command::Config && command.takes(entry))
            .map(|command| command.as_str())
            .collect();
        let commands = if entry.places == Places::GlobalFlag {
            "all".to_owned()
        } else if commands.is_empty() {
            Command::Config.as_str().to_owned()
        } else {
            commands.join(", ")
        };
        let short = entry.short.map(|short| format!("`-{short}`, ")).unwrap_or_default();
        let default = match entry.default {
            Default::None => String::new(),
            Default::Text(text) => format!("`{text}`"),
            Default::Depends(words) => words.replace('<', "\\<").replace('|', "\\|"),
        };
        let help = entry.help.replace('|', "\\|");
        table.push_str(&format!("| {short}`{}` | {help} | {default} | {commands} |\n", entry.flag()));
    }
    assert!(page.contains(&table), "the table of options in docs/configuration.md should be:\n{table}");
}

#[test]
fn every_option_is_explained_in_one_short_line() {
    for entry in ENTRIES {
        assert!(entry.help.chars().count() <= 60 && !entry.help.contains('`'), "{}: {}", entry.name, entry.help);
    }
}
