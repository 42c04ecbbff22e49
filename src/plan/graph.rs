//! The order of steps: a DAG with petgraph, walked so that people see the same sensible order every time.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Step, StepId};

/// The dependency graph of steps: an edge goes from what must be done first to what needs it.
#[derive(Debug)]
pub struct StepGraph {
    graph: DiGraph<usize, ()>,
    by_id: BTreeMap<StepId, NodeIndex>,
}

/// Steps that need each other in a circle, or need a step that isn't there: a fault of the planner, never of the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// These steps wait for each other.
    #[error("steps wait for each other: {}", .0.iter().map(|id| id.0.as_str()).collect::<Vec<_>>().join(", "))]
    Cycle(Vec<StepId>),
    /// A step needs one that isn't in the plan.
    #[error("step {0} needs {1}, which isn't in the plan")]
    Missing(StepId, StepId),
}

impl StepGraph {
    /// Builds the graph.
    ///
    /// # Errors
    /// When a step needs one that isn't there.
    pub fn new(steps: &[Step]) -> Result<Self, GraphError> {
        let mut graph = DiGraph::new();
        let by_id: BTreeMap<StepId, NodeIndex> = steps
            .iter()
            .enumerate()
            .map(|(index, step)| (step.id.clone(), graph.add_node(index)))
            .collect();
        for step in steps {
            for need in &step.needs {
                let before = by_id
                    .get(need)
                    .ok_or_else(|| GraphError::Missing(step.id.clone(), need.clone()))?;
                graph.add_edge(*before, by_id[&step.id], ());
            }
        }
        Ok(Self { graph, by_id })
    }

    /// Indexes into the steps, each after all that it needs; among those that are ready the one that stands first goes first.
    ///
    /// # Errors
    /// When steps wait for each other.
    pub fn order(&self, steps: &[Step]) -> Result<Vec<usize>, GraphError> {
        let mut waiting: BTreeMap<NodeIndex, usize> = self
            .graph
            .node_indices()
            .map(|node| {
                (
                    node,
                    self.graph
                        .neighbors_directed(node, Direction::Incoming)
                        .count(),
                )
            })
            .collect();
        let mut ready: BTreeSet<(usize, NodeIndex)> = waiting
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(node, _)| (self.graph[*node], *node))
            .collect();
        let mut order = Vec::with_capacity(steps.len());
        while let Some((index, node)) = ready.pop_first() {
            order.push(index);
            waiting.remove(&node);
            for next in self.graph.neighbors_directed(node, Direction::Outgoing) {
                if let Some(count) = waiting.get_mut(&next) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert((self.graph[next], next));
                    }
                }
            }
        }
        if waiting.is_empty() {
            Ok(order)
        } else {
            Err(GraphError::Cycle(
                waiting
                    .keys()
                    .map(|node| steps[self.graph[*node]].id.clone())
                    .collect(),
            ))
        }
    }

    /// Every step that needs `id`, directly or through others.
    pub fn dependents(&self, id: &StepId, steps: &[Step]) -> BTreeSet<StepId> {
        let Some(start) = self.by_id.get(id) else {
            return BTreeSet::new();
        };
        let mut walk = petgraph::visit::Dfs::new(&self.graph, *start);
        let mut found = BTreeSet::new();
        while let Some(node) = walk.next(&self.graph) {
            if node != *start {
                found.insert(steps[self.graph[node]].id.clone());
            }
        }
        found
    }
}
