# The same policy for OPA:
#   replform plan -json | opa eval --stdin-input --data replform.rego --fail-defined 'data.replform.deny[_]'
package replform

import rego.v1

deny contains sprintf("restarts: %s", [restart.what]) if {
	some restart in input.outlook.restarts
}

deny contains sprintf("no writes for a while: %s", [step.replication]) if {
	some step in input.steps
	step.cost.no_writes_seconds != null
}

deny contains sprintf("sets data aside: %s", [finding.subject]) if {
	some finding in input.findings
	finding.severity.is == "hazard"
	finding.severity.hazard == "replace_data"
}
