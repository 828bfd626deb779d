//! Certificate policies along a path (RFC 5280 §6.1), by the graph of RFC 9618.
//!
//! The tree of RFC 5280 grows exponentially with mappings that an attacker chooses; the graph has each policy once per
//! certificate and gives the same answers.

use super::ChainError;
use crate::certificate::Certificate;
use crate::oid::{ANY_POLICY, Oid};

/// What a caller asks of the policies of a chain (RFC 5280 §6.1.1 c, e, f, g). Nothing, by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyDemand {
    /// The policies that are acceptable; empty: any.
    pub accepted: Vec<Oid>,
    /// Whether one has to be valid all along the chain, even if no authority asks for it.
    pub explicit: bool,
    /// Whether mappings count for nothing.
    pub no_mapping: bool,
    /// Whether anyPolicy counts for nothing.
    pub no_any: bool,
}

/// A policy that is valid down to one certificate.
struct Node {
    policy: Oid,
    /// What the next certificate may call it.
    expected: Vec<Oid>,
    /// Its places in the level above.
    parents: Vec<usize>,
}

/// Valid policies, a level for each certificate from the root down. An empty last level: none.
struct Graph(Vec<Vec<Node>>);

/// Certificates until something begins to hold; it holds at 0.
struct Countdowns {
    explicit: usize,
    mapping: usize,
    any: usize,
}

/// Whether the policies of `path`, from the signer up to the root, are as demanded by the caller and by the authorities in it.
///
/// The root counts as an authority too: what it restricts holds for all below it (RFC 5937).
pub(super) fn check(path: &[Certificate], demand: &PolicyDemand) -> Result<(), ChainError> {
    for authority in path.iter().skip(1) {
        let mapped = &authority.extensions().mappings;
        if mapped.iter().any(|(from, to)| *from == ANY_POLICY || *to == ANY_POLICY) {
            return Err(ChainError::AnyPolicyMapped { subject: authority.subject() });
        }
    }
    let asks = |one: &Certificate| one.extensions().require_explicit_policy.is_some();
    if !demand.explicit && !path.iter().any(asks) {
        return Ok(()); // without a policy that has to be valid none can be missing
    }
    let length = path.len();
    // More than there are certificates to count, the root among them, which counts where another authority issued it: what nobody
    // asks for never holds (§6.1.2 d–f).
    let from = |now| if now { 0 } else { length + 1 };
    let mut left =
        Countdowns { explicit: from(demand.explicit), mapping: from(demand.no_mapping), any: from(demand.no_any) };
    let mut graph = Graph(vec![vec![Node { policy: ANY_POLICY, expected: vec![ANY_POLICY], parents: Vec::new() }]]);
    for (place, certificate) in path.iter().enumerate().rev() {
        let (is_root, is_leaf) = (place + 1 == length, place == 0);
        match &certificate.extensions().policies {
            // What the caller inhibits is anyPolicy below the root, whoever issued that.
            Some(policies) => {
                let any_counts = left.any > 0 || is_root || (!is_leaf && certificate.is_self_issued());
                graph.grow(policies, any_counts);
            }
            None if is_root => continue_below(&mut graph),
            None => graph.0.push(Vec::new()),
        }
        if left.explicit == 0 && graph.is_empty() {
            return Err(ChainError::NoPolicy { subject: certificate.subject() });
        }
        if !is_leaf {
            graph.map(&certificate.extensions().mappings, left.mapping > 0);
        }
        left.pass(certificate, is_leaf);
    }
    if left.explicit == 0 && !graph.allows(&demand.accepted) {
        return Err(ChainError::NoPolicy { subject: path.first().map(Certificate::subject).unwrap_or_default() });
    }
    Ok(())
}

/// A root that names no policies restricts none.
fn continue_below(graph: &mut Graph) {
    graph.grow(&[ANY_POLICY], true);
}

impl Countdowns {
    /// What holds below this certificate (§6.1.4 h–j), or at the end (§6.1.5 a, b).
    fn pass(&mut self, certificate: &Certificate, is_leaf: bool) {
        let extensions = certificate.extensions();
        if is_leaf || !certificate.is_self_issued() {
            for count in [&mut self.explicit, &mut self.mapping, &mut self.any] {
                *count = count.saturating_sub(1);
            }
        }
        let lower = |count: &mut usize, to: Option<u32>| *count = to.map_or(*count, |to| (*count).min(to as usize));
        lower(&mut self.explicit, extensions.require_explicit_policy);
        lower(&mut self.mapping, extensions.inhibit_mapping);
        lower(&mut self.any, extensions.inhibit_any_policy);
    }
}

impl Graph {
    fn last(&self) -> &[Node] {
        self.0.last().map_or(&[], Vec::as_slice)
    }

    fn is_empty(&self) -> bool {
        self.last().is_empty()
    }

    /// Adds the level of a certificate with these policies (RFC 9618 §5.3, step d).
    fn grow(&mut self, policies: &[Oid], any_counts: bool) {
        let above = self.last();
        let expecting = |policy: &Oid| -> Vec<usize> {
            let parents = above.iter().enumerate().filter(|(_, node)| node.expected.contains(policy));
            parents.map(|(place, _)| place).collect()
        };
        let node = |policy: Oid, parents| Node { policy, expected: vec![policy], parents };
        let mut level: Vec<Node> = Vec::new();
        for policy in policies.iter().filter(|policy| **policy != ANY_POLICY) {
            let mut parents = expecting(policy);
            if parents.is_empty() {
                parents.extend(above.iter().position(|node| node.policy == ANY_POLICY));
            }
            if !parents.is_empty() {
                level.push(node(*policy, parents));
            }
        }
        if any_counts && policies.contains(&ANY_POLICY) {
            for policy in above.iter().flat_map(|node| &node.expected) {
                if !level.iter().any(|node| node.policy == *policy) {
                    level.push(node(*policy, expecting(policy)));
                }
            }
        }
        self.0.push(level);
    }

    /// Renames the policies of the last level for those below (§6.1.4 b), or takes them out where that is inhibited.
    fn map(&mut self, mappings: &[(Oid, Oid)], allowed: bool) {
        let Some(level) = self.0.last_mut() else { return };
        if !allowed {
            level.retain(|node| !mappings.iter().any(|(from, _)| *from == node.policy));
            return;
        }
        for (place, (from, _)) in mappings.iter().enumerate() {
            if mappings.iter().take(place).any(|(earlier, _)| earlier == from) {
                continue;
            }
            let expected: Vec<Oid> = mappings.iter().filter(|(one, _)| one == from).map(|(_, to)| *to).collect();
            if let Some(node) = level.iter_mut().find(|node| node.policy == *from) {
                node.expected = expected;
            } else if let Some(any) = level.iter().find(|node| node.policy == ANY_POLICY) {
                let parents = any.parents.clone();
                level.push(Node { policy: *from, expected, parents });
            }
        }
    }

    /// Whether a policy that is valid all the way is an accepted one, by its name at the root (§6.1.5 g).
    fn allows(&self, accepted: &[Oid]) -> bool {
        if accepted.is_empty() || accepted.contains(&ANY_POLICY) || self.is_empty() {
            return !self.is_empty();
        }
        if self.last().iter().any(|node| node.policy == ANY_POLICY) {
            return true;
        }
        // From the leaf's policies up: those that stand below anyPolicy are called as the caller calls them.
        let mut alive: Vec<usize> = (0..self.last().len()).collect();
        for pair in self.0.windows(2).rev() {
            let [above, level] = pair else { continue };
            let mut parents = Vec::new();
            for node in alive.iter().filter_map(|place| level.get(*place)) {
                let is_below_any = |place: &usize| above.get(*place).is_some_and(|node| node.policy == ANY_POLICY);
                if node.parents.iter().any(is_below_any) && accepted.contains(&node.policy) {
                    return true;
                }
                parents.extend_from_slice(&node.parents);
            }
            parents.sort_unstable();
            parents.dedup();
            alive = parents;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(number: u8) -> Oid {
        format!("1.2.3.{number}").parse().expect("an identifier")
    }

    fn start() -> Graph {
        Graph(vec![vec![Node { policy: ANY_POLICY, expected: vec![ANY_POLICY], parents: Vec::new() }]])
    }

    #[test]
    fn a_mapped_policy_is_accepted_by_its_name_at_the_root() {
        let mut graph = start();
        graph.grow(&[policy(1)], true);
        graph.map(&[(policy(1), policy(2))], true);
        graph.grow(&[policy(2)], true);
        assert!(graph.allows(&[policy(1)]) && !graph.allows(&[policy(2)]));
    }

    #[test]
    fn a_policy_that_is_mapped_where_that_is_inhibited_is_gone() {
        let mut graph = start();
        graph.grow(&[policy(1), policy(3)], true);
        graph.map(&[(policy(1), policy(2))], false);
        graph.grow(&[policy(2)], true);
        assert!(graph.is_empty());
    }

    #[test]
    fn mappings_of_everything_to_everything_grow_the_graph_by_a_level_each() {
        let all: Vec<Oid> = (0..11).map(policy).collect();
        let mappings: Vec<_> = all.iter().flat_map(|from| all.iter().map(|to| (*from, *to))).collect();
        let mut graph = start();
        for _ in 0..50 {
            graph.grow(&all, true);
            graph.map(&mappings, true);
        }
        assert!(graph.0.iter().all(|level| level.len() <= 11));
        assert!(graph.allows(&[policy(7)]) && !graph.allows(&[policy(12)]));
    }
}
