//! From settings to the API that is called: the real one, or the simulated one in this process.

use std::io;

use secrecy::SecretString;

use crate::api::{AccountId, Accounts, ApiVersion, BaseUrl, BaseUrlError, Client, ClientError, Credentials};
use crate::config::{Settings, Target};
use crate::sandbox::{Sandbox, SandboxOptions};

/// An API that can be called, with what must live as long as the calls.
pub(super) struct Ready {
    pub(super) api: Client,
    _sandbox: Option<Sandbox>,
}

/// Why there is no API to call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("the simulated API could not be started")]
    Sandbox(#[source] io::Error),
    #[error("the simulated API's address {0}")]
    SandboxAddress(#[source] BaseUrlError),
    #[error("no credentials")]
    NoCredentials,
}

/// Makes the API ready. Nothing is sent yet.
pub(super) async fn ready(settings: &Settings) -> Result<Ready, TargetError> {
    match &settings.target {
        Target::Sandbox => {
            let options = SandboxOptions { record_invitations: false, ..SandboxOptions::default() };
            let sandbox = Sandbox::start(options).await.map_err(TargetError::Sandbox)?;
            let base_url = sandbox.base_url().parse().map_err(TargetError::SandboxAddress)?;
            let credentials = rehearsal(settings);
            tracing::info!("rehearsing against the simulated API at {base_url}: nothing real is withdrawn");
            Ok(Ready { api: api_at(settings, &base_url, &credentials)?, _sandbox: Some(sandbox) })
        }
        Target::Real { base_url, credentials } => {
            let credentials = credentials.as_ref().ok_or(TargetError::NoCredentials)?;
            Ok(Ready { api: api_at(settings, base_url, credentials)?, _sandbox: None })
        }
    }
}

/// What the simulated API takes for credentials: anything.
fn rehearsal(settings: &Settings) -> Credentials {
    let names = settings.accounts.keys().cloned();
    let accounts = match settings.api {
        ApiVersion::V1 => Accounts::V1(names.map(|name| (name, SecretString::from("sandbox"))).collect()),
        ApiVersion::V2 => Accounts::V2(names.filter_map(|name| Some((name, AccountId::parse("sandbox")?))).collect()),
    };
    Credentials { api_key: SecretString::from("sandbox"), accounts }
}

fn api_at(settings: &Settings, base_url: &BaseUrl, credentials: &Credentials) -> Result<Client, ClientError> {
    Client::new(base_url, credentials, settings.timeout, settings.concurrency)
}
