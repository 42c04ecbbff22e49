//! The order of steps: a DAG with petgraph, walked so that people see the same sensible order every time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Step, StepId};

/// The dependency graph of steps: an edge goes from what must be done first to what needs it.
#[derive(Debug)]
pub struct StepGraph<'a> {
    steps: &'a [Step],
    /// Nodes have the indexes of their steps.
    graph: DiGraph<(), ()>,
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

impl<'a> StepGraph<'a> {
    /// Builds the graph.
    ///
    /// # Errors
    /// When a step needs one that isn't there.
    pub fn new(steps: &'a [Step]) -> Result<Self, GraphError> {
        let mut graph = DiGraph::with_capacity(steps.len(), steps.len());
        let by_id: HashMap<&StepId, NodeIndex> = steps
            .iter()
            .map(|step| (&step.id, graph.add_node(())))
            .collect();
        for step in steps {
            for need in &step.needs {
                let before = by_id
                    .get(need)
                    .ok_or_else(|| GraphError::Missing(step.id.clone(), need.clone()))?;
                graph.add_edge(*before, by_id[&step.id], ());
            }
        }
        Ok(Self { steps, graph })
    }

    /// Indexes into the steps, each after all that it needs; among those that are ready the one that stands first goes first.
    ///
    /// # Errors
    /// When steps wait for each other.
    pub fn order(&self) -> Result<Vec<usize>, GraphError> {
        let needed = |node| {
            let before = self.graph.neighbors_directed(node, Direction::Incoming);
            before.count()
        };
        let mut waiting: Vec<usize> = self.graph.node_indices().map(needed).collect();
        let mut ready: BinaryHeap<Reverse<NodeIndex>> = self
            .graph
            .node_indices()
            .filter(|node| waiting[node.index()] == 0)
            .map(Reverse)
            .collect();
        let mut order = Vec::with_capacity(self.steps.len());
        while let Some(Reverse(node)) = ready.pop() {
            order.push(node.index());
            for next in self.graph.neighbors_directed(node, Direction::Outgoing) {
                waiting[next.index()] -= 1;
                if waiting[next.index()] == 0 {
                    ready.push(Reverse(next));
                }
            }
        }
        if order.len() == self.steps.len() {
            return Ok(order);
        }
        let left = self.steps.iter().zip(waiting);
        Err(GraphError::Cycle(
            left.filter(|(_, waiting)| *waiting > 0)
                .map(|(step, _)| step.id.clone())
                .collect(),
        ))
    }
}
