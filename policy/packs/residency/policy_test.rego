package mc.residency_test

import data.mc.residency

stated(workflow_region, request_region, source) := {
	"workflow": {"region": workflow_region},
	"request": {"region": request_region, "regionSource": source},
	"config": {"requireRegion": false},
}

allowed(value) if {
	residency.ready with input as value
	count(residency.violations) == 0 with input as value
}

codes(value) := found if {
	found := {violation.code | some violation in residency.violations} with input as value
}

test_same_region_is_allowed if allowed(stated("US", "US", "request"))

test_other_region_is_a_mismatch_that_names_both if {
	residency.violations == {{
		"code": "REGION_MISMATCH",
		"path": ["request", "region"],
		"params": {"requested": "EU", "source": "config", "workflow": "US"},
	}} with input as stated("US", "EU", "config")
}

test_ru_is_banned_where_both_agree if {
	residency.violations == {
		{"code": "REGION_BANNED", "path": ["workflow", "region"], "params": {"region": "RU"}},
		{"code": "REGION_BANNED", "path": ["request", "region"], "params": {"region": "RU"}},
	} with input as stated("RU", "RU", "request")
}

test_kp_is_banned_where_both_agree if codes(stated("KP", "KP", "request")) == {"REGION_BANNED"}

test_kp_is_banned_in_every_spelling if {
	every region in ["kp", "Kp", " KP ", "KP-01", "kp_01", "kp-north-1"] {
		codes(stated(region, region, "request")) == {"REGION_BANNED"}
	}
}

test_a_ban_reaches_no_other_region_with_the_same_letters if {
	every region in ["KPX", "RUH", "XKP", "us-kp"] {
		allowed(stated(region, region, "request"))
	}
}

test_a_banned_request_is_denied_where_the_workflow_states_none if {
	codes(stated(null, "KP", "config")) == {"REGION_BANNED"}
}

test_a_banned_workflow_region_is_denied_before_anything_is_requested if {
	codes(stated("KP", "KP", "workflow")) == {"REGION_BANNED"}
	codes(stated("KP", null, "none")) == {"REGION_BANNED"}
}

test_case_and_joining_do_not_make_a_mismatch if {
	allowed(stated("us", "US", "request"))
	allowed(stated("eu-west-1", "EU_WEST_1", "request"))
	allowed(stated("US", " US", "config"))
}

test_a_part_is_not_its_country if codes(stated("US", "US-CA", "request")) == {"REGION_MISMATCH"}

test_a_workflow_without_region_runs_anywhere_requested if {
	value := stated(null, "US", "request")
	allowed(value)
	count(residency.obligations) == 0 with input as value
}

test_nothing_stated_is_allowed_with_an_obligation if {
	value := stated(null, null, "none")
	allowed(value)
	residency.obligations == {{
		"code": "REGION_UNSTATED",
		"path": ["request", "region"],
		"params": {},
	}} with input as value
}

test_nothing_stated_is_denied_where_a_region_is_required if {
	value := object.union(stated(null, null, "none"), {"config": {"requireRegion": true}})
	residency.violations == {{
		"code": "REGION_REQUIRED",
		"path": ["request", "region"],
		"params": {},
	}} with input as value
	count(residency.obligations) == 0 with input as value
}

test_a_stated_region_satisfies_the_requirement if {
	allowed(object.union(stated(null, "US", "config"), {"config": {"requireRegion": true}}))
	allowed(object.union(stated("US", "US", "workflow"), {"config": {"requireRegion": true}}))
}

test_a_source_that_does_not_fit_is_not_ready if {
	every value in [
		stated("US", "US", "none"),
		stated(null, null, "request"),
		stated(null, null, "config"),
		stated(null, null, "workflow"),
		stated("US", "EU", "workflow"),
		stated("US", "US", "elsewhere"),
	] {
		not residency.ready with input as value
	}
}

test_missing_input_is_not_ready if {
	not residency.ready with input as {}
	every key in ["workflow", "request", "config"] {
		not residency.ready with input as object.remove(stated("US", "US", "request"), [key])
	}
	not residency.ready with input as object.union(stated("US", "US", "request"), {"workflow": "US"})
}

test_wrong_types_are_not_ready if {
	every region in [1, true, [], {}, "", "  "] {
		not residency.ready with input as stated(region, "US", "request")
		not residency.ready with input as stated("US", region, "request")
	}
	every required in ["false", 0, null, []] {
		not residency.ready with input as {
			"workflow": {"region": "US"},
			"request": {"region": "US", "regionSource": "request"},
			"config": {"requireRegion": required},
		}
	}
}

test_missing_or_malformed_data_is_not_ready if {
	value := stated("US", "US", "request")
	every banned in [null, {}, [], "KP", [1], ["kp"], [" KP"]] {
		not residency.ready with input as value with data.residency.bannedRegions as banned
	}
	not residency.ready with input as value with data.residency as {}
}
