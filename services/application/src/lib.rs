//! 印章申请: an organization asks for a seal; reviewers decide.

mod domain;
