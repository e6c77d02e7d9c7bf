//! Either version of the API, as the settings have it.

use super::{ApiVersion, Ending, List, PageRequest, V1, V2, Withdraw, Withdrawal};

#[derive(Debug)]
pub(crate) enum Api {
    V1(V1),
    V2(V2),
}

impl Api {
    /// Asks for the balance, where the version has a call for it.
    pub(crate) async fn balance(&self) -> Option<Ending> {
        match self {
            Self::V1(_) => None,
            Self::V2(api) => Some(api.balance().await),
        }
    }
}

impl Withdraw for Api {
    fn version(&self) -> ApiVersion {
        match self {
            Self::V1(api) => api.version(),
            Self::V2(api) => api.version(),
        }
    }

    async fn withdraw(&self, withdrawal: &Withdrawal) -> Ending {
        match self {
            Self::V1(api) => api.withdraw(withdrawal).await,
            Self::V2(api) => api.withdraw(withdrawal).await,
        }
    }

    fn scrub(&self, words: &str) -> String {
        match self {
            Self::V1(api) => api.scrub(words),
            Self::V2(api) => api.scrub(words),
        }
    }
}

impl List for Api {
    async fn page(&self, request: &PageRequest) -> Ending {
        match self {
            Self::V1(api) => api.page(request).await,
            Self::V2(api) => api.page(request).await,
        }
    }
}
