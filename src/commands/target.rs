//! From settings to the API that is called: the real one, or the simulated one in this process.

use std::collections::HashMap;
use std::io;

use secrecy::SecretString;

use crate::api::{Client, ClientError, V1};
use crate::config::{BaseUrl, BaseUrlError, Credentials, RunSettings, Target};
use crate::sandbox::{Sandbox, SandboxOptions};

/// An API that can be called, with what must live as long as the calls.
pub(super) struct Ready {
    pub(super) api: V1,
    /// Stops when dropped.
    _sandbox: Option<Sandbox>,
}

/// Why there is no API to call.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The HTTP client could not be made.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The simulated API could not be started.
    #[error("the simulated API could not be started")]
    Sandbox(#[source] io::Error),
    /// The simulated API's address is none.
    #[error("the simulated API's address {0}")]
    SandboxAddress(#[source] BaseUrlError),
    /// A dry run has no credentials, and must not come here.
    #[error("no credentials")]
    NoCredentials,
}

/// Makes the API ready. Nothing is sent yet.
pub(super) async fn ready(settings: &RunSettings) -> Result<Ready, TargetError> {
    match &settings.target {
        Target::Sandbox => {
            let options = SandboxOptions { record_invitations: false, ..SandboxOptions::default() };
            let sandbox = Sandbox::start(options).await.map_err(TargetError::Sandbox)?;
            let base_url = sandbox.base_url().parse().map_err(TargetError::SandboxAddress)?;
            let rehearsal = || SecretString::from("sandbox");
            let credentials = Credentials { api_key: rehearsal(), login_token: rehearsal() };
            tracing::info!("rehearsing against the simulated API at {base_url}: nothing real is withdrawn");
            Ok(Ready { api: v1(settings, &base_url, &credentials)?, _sandbox: Some(sandbox) })
        }
        Target::V1 { base_url, credentials } => {
            let credentials = credentials.as_ref().ok_or(TargetError::NoCredentials)?;
            Ok(Ready { api: v1(settings, base_url, credentials)?, _sandbox: None })
        }
    }
}

fn v1(settings: &RunSettings, base_url: &BaseUrl, credentials: &Credentials) -> Result<V1, ClientError> {
    let client = Client::new(
        base_url,
        &credentials.api_key,
        [&credentials.login_token],
        settings.timeout,
        settings.concurrency,
    )?;
    let login_tokens = HashMap::from([(settings.account.clone(), credentials.login_token.clone())]);
    Ok(V1::new(client, base_url, login_tokens))
}
