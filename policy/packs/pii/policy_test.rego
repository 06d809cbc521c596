package mc.pii_test

import data.mc.pii

with_arguments(arguments) := {
	"workflow": {"id": "wf", "labels": {}},
	"inputs": {},
	"tasks": [
		{"id": "first", "with": {"url": "https://example.com"}},
		{"id": "second", "with": arguments},
	],
}

allowed(value) if {
	pii.ready with input as value
	count(pii.violations) == 0 with input as value
}

test_other_keys_are_allowed if {
	every key in ["url", "s", "ss", "assn", "_ssn", " ssn", "passport", "session", "credit-card"] {
		allowed(with_arguments({key: "x"}))
	}
}

test_a_key_that_starts_with_ssn_is_denied_in_any_case if {
	every key in ["ssn", "SSN", "Ssn", "sSn", "ssn_last4", "SSN-hash", "ssnumber", "ſſn", "ßN", "ẞn"] {
		pii.violations == {{
			"code": "PII_KEY",
			"path": ["tasks", 1, "with", key],
			"params": {"pattern": "ssn"},
		}} with input as with_arguments({key: "x"})
	}
}

test_a_key_is_found_at_any_depth_and_in_arrays if {
	pii.violations == {{
		"code": "PII_KEY",
		"path": ["tasks", 1, "with", "people", 1, "papers", "ssn"],
		"params": {"pattern": "ssn"},
	}} with input as with_arguments({"people": [{"name": "a"}, {"papers": {"ssn": 1}}]})
}

test_every_such_key_is_reported if {
	found := {violation.path | some violation in pii.violations} with input as with_arguments({"ssn": {"ssn": 1}, "a": [{"SSN": 2}]})
	found == {
		["tasks", 1, "with", "ssn"],
		["tasks", 1, "with", "ssn", "ssn"],
		["tasks", 1, "with", "a", 0, "SSN"],
	}
}

test_values_are_never_looked_at if {
	allowed(with_arguments({"note": "ssn", "list": ["ssn", "SSN 123"], "quoted": `"ssn":`, "further": "passport_no"}))
}

test_inputs_labels_and_declared_inputs_are_looked_through if {
	value := {
		"workflow": {"id": "wf", "labels": {"ssn-team": "a"}, "inputs": {"ssn": {"type": "string"}}},
		"inputs": {"person": {"Ssn": "x"}},
		"tasks": [],
	}
	found := {violation.path | some violation in pii.violations} with input as value
	found == {["workflow", "labels", "ssn-team"], ["workflow", "inputs", "ssn"], ["inputs", "person", "Ssn"]}
}

test_further_patterns_ignore_how_words_are_joined if {
	every key in ["passport_number", "PassportNo", "credit-card-number", "Social.Security.Number", "social insurance no"] {
		count(pii.violations) == 1 with input as with_arguments({key: "x"})
	}
	pii.violations == {{
		"code": "PII_KEY",
		"path": ["tasks", 1, "with", "passport_number"],
		"params": {"pattern": "passportn"},
	}} with input as with_arguments({"passport_number": "x"})
}

test_a_name_earns_a_warning_only if {
	value := {
		"workflow": {"id": "ssn-check", "labels": {}},
		"inputs": null,
		"tasks": [{"id": "SSN", "with": {}}, {"id": "other", "with": {}}],
	}
	allowed(value)
	pii.obligations == {
		{"code": "PII_NAME", "path": ["workflow", "id"], "params": {"pattern": "ssn"}},
		{"code": "PII_NAME", "path": ["tasks", 0, "id"], "params": {"pattern": "ssn"}},
	} with input as value
}

test_missing_input_is_not_ready if {
	not pii.ready with input as {}
	every key in ["workflow", "inputs", "tasks"] {
		not pii.ready with input as object.remove(with_arguments({}), [key])
	}
}

test_wrong_types_are_not_ready if {
	every wrong in [1, true, "x", []] {
		not pii.ready with input as object.union(with_arguments({}), {"workflow": wrong})
		not pii.ready with input as object.union(with_arguments({}), {"workflow": {"labels": wrong}})
		not pii.ready with input as object.union(with_arguments({}), {"workflow": {"inputs": wrong}})
		not pii.ready with input as object.union(with_arguments({}), {"inputs": wrong})
		not pii.ready with input as with_arguments(wrong)
	}
	every wrong in [1, null, "x", {}, [1], ["x"], [{}], [{"id": 1, "with": {}}], [{"id": "a"}]] {
		not pii.ready with input as object.union(with_arguments({}), {"tasks": wrong})
	}
	not pii.ready with input as object.union(with_arguments({}), {"workflow": {"id": null}})
	not pii.ready with input as object.union(with_arguments({}), {"workflow": {"inputs": null}})
}

test_missing_or_malformed_data_is_not_ready if {
	value := with_arguments({})
	every prefixes in [null, {}, "ssn", [1], [""], ["Upper"], ["with_joint"]] {
		not pii.ready with input as value with data.pii.keyPrefixes as prefixes
	}
	not pii.ready with input as value with data.pii as {}
}
