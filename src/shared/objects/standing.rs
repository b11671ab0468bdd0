//! How the copies are doing: at work, pausing, or stopped until somebody mends something.

/// Why nothing is sent until somebody has mended something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The keys are not accepted.
    Keys,
    /// The keys are accepted and may not do this.
    Denied,
    /// The clocks differ by too much.
    ClockSkew {
        /// By how many seconds the other clock is ahead, where it tells its time.
        seconds: Option<i64>,
    },
    /// The bucket is in another region, or the address is not that of its region.
    Region,
    /// There is no such bucket.
    NoBucket,
    /// The bucket belongs to another installation.
    ForeignOwner,
    /// The bucket keeps what is replaced or deleted.
    Versioned,
    /// What the bucket said to have stored is not what it gives back.
    Untrue,
}

impl Stop {
    /// The name of the alert and of the doctor's finding.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Keys | Self::Denied | Self::ClockSkew { .. } | Self::Region | Self::Untrue => "cloud_refused",
            Self::NoBucket => "cloud_bucket_missing",
            Self::ForeignOwner => "cloud_foreign_owner",
            Self::Versioned => "cloud_versioned",
        }
    }

    /// What is the matter.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Keys => "object storage does not accept the keys".to_owned(),
            Self::Denied => "the keys may not read, write, list and delete in the bucket".to_owned(),
            Self::ClockSkew { seconds: Some(seconds) } => {
                format!("the clock of object storage is {seconds} s ahead of the clock of this machine")
            }
            Self::ClockSkew { seconds: None } => {
                "the clock of this machine differs from that of object storage by too much".to_owned()
            }
            Self::Region => "the bucket is in another region than the one that is set".to_owned(),
            Self::NoBucket => "there is no bucket of this name".to_owned(),
            Self::ForeignOwner => "the bucket belongs to another installation".to_owned(),
            Self::Versioned => "the bucket keeps versions of what is replaced or deleted".to_owned(),
            Self::Untrue => "the bucket gave back something else than it said to have stored".to_owned(),
        }
    }

    /// What to do.
    #[must_use]
    pub fn fix(&self) -> &'static str {
        match self {
            Self::Keys => {
                "set SPACES_ACCESS_KEY and SPACES_SECRET_KEY to a pair that is alive, and start the service again"
            }
            Self::Denied => {
                "give the key all rights on this bucket (DigitalOcean: Spaces Keys > Full Access, or Read/Write/Delete)"
            }
            Self::ClockSkew { .. } => {
                "set the clock of this machine right, for example with `timedatectl set-ntp true`"
            }
            Self::Region => {
                "set SPACES_REGION, and S3_ENDPOINT where it is set, to the region that the bucket's page shows"
            }
            Self::NoBucket => "make the bucket, or set SPACES_BUCKET and SPACES_REGION to the one that is there",
            Self::ForeignOwner => {
                "use a bucket for each installation; if this bucket shall be this installation's from now on: \
                 `shoptalk cloud take-over`"
            }
            Self::Versioned => {
                "use a bucket without versioning: in one that keeps versions nothing can be erased, also after versioning was \
                 suspended"
            }
            Self::Untrue => {
                "look at the bucket's lifecycle rules and at whoever else writes to it; then `shoptalk cloud check`"
            }
        }
    }
}

/// How the copies are doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was asked yet.
    Starting,
    /// Files are copied as they change.
    Working,
    /// Object storage cannot be reached or wants fewer requests.
    Pausing {
        /// When it is tried again, in milliseconds since 1970.
        until: i64,
        /// What is the matter.
        why: String,
    },
    /// Somebody must mend something.
    Stopped {
        /// What is the matter.
        why: Stop,
        /// When it is tried again, in milliseconds since 1970.
        until: i64,
    },
}
