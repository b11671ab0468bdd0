//! What goes wrong on request.

/// How one request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 503 `SlowDown`.
    SlowDown,
    /// 429 `TooManyRequests`.
    TooManyRequests,
    /// 500 `InternalError`.
    Internal,
    /// 403 `AccessDenied`.
    AccessDenied,
    /// 403 `RequestTimeTooSkewed`.
    TimeSkewed,
    /// 403 `InvalidAccessKeyId`.
    InvalidAccessKey,
    /// 403 `SignatureDoesNotMatch`.
    SignatureMismatch,
    /// 404 `NoSuchBucket`.
    NoSuchBucket,
    /// The connection is closed in the middle; nothing is done.
    Cut,
    /// It is done, and then the connection is closed: the answer is lost.
    DoneCut,
    /// No answer ever comes; nothing is done.
    Hang,
    /// Success is answered, and nothing is done: a PUT that stored nothing, a DELETE that deleted nothing.
    DoesNothing,
    /// Success is answered, and something else than what was sent is stored.
    StoresOther,
    /// 200 with a page of HTML.
    Html,
}

/// What is asked of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Writing an object.
    Put,
    /// Reading an object.
    Get,
    /// Asking about an object or the bucket.
    Head,
    /// Deleting one or several objects.
    Delete,
    /// Listing keys or versions, and asking whether versions are kept.
    List,
}

/// A planned failure, and for which requests it is.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub operation: Option<Operation>,
    pub key_contains: String,
    pub skip: usize,
    pub times: usize,
    pub fault: Fault,
}

/// The fault that is planned for this request, once less from now on. Of several that fit, the oldest.
pub(super) fn take(plans: &mut Vec<Plan>, operation: Operation, key: &str) -> Option<Fault> {
    let plan = plans.iter_mut().find(|plan| {
        plan.times > 0 && plan.operation.is_none_or(|wanted| wanted == operation) && key.contains(&plan.key_contains)
    })?;
    if plan.skip > 0 {
        plan.skip -= 1;
        return None;
    }
    plan.times -= 1;
    let fault = plan.fault;
    plans.retain(|plan| plan.times > 0);
    Some(fault)
}
