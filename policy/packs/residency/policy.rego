# Where a run may take place. Regions compare without regard to case, outer blanks and `_` for `-`.
package mc.residency

default ready := false

# Input and data are complete for this pack. Anything missing or of a wrong type leaves `ready` false.
ready if {
	data_complete
	region_stated_or_null(input.workflow.region)
	region_stated_or_null(input.request.region)
	source_consistent
	is_boolean(input.config.requireRegion)
}

data_complete if {
	is_array(data.residency.bannedRegions)
	count(data.residency.bannedRegions) > 0
	every code in data.residency.bannedRegions {
		is_string(code)
		code == normal(code)
	}
}

region_stated_or_null(region) if is_null(region)

region_stated_or_null(region) if {
	is_string(region)
	normal(region) != ""
}

# The input says where the requested region comes from; what it says must fit the value.
source_consistent if {
	input.request.regionSource == "none"
	is_null(input.request.region)
}

source_consistent if {
	input.request.regionSource in {"request", "config"}
	is_string(input.request.region)
}

source_consistent if {
	input.request.regionSource == "workflow"
	is_string(input.request.region)
	input.request.region == input.workflow.region
}

normal(region) := upper(replace(trim_space(region), "_", "-"))

# A ban on a country holds for its parts: KP bans KP-01.
banned(region) if {
	some code in data.residency.bannedRegions
	within(normal(region), code)
}

within(region, code) if region == code

within(region, code) if startswith(region, concat("", [code, "-"]))

# A workflow that states no region may run in any that is requested; so the comparison needs both.
violations contains {
	"code": "REGION_MISMATCH",
	"path": ["request", "region"],
	"params": {
		"requested": input.request.region,
		"source": input.request.regionSource,
		"workflow": input.workflow.region,
	},
} if {
	is_string(input.workflow.region)
	is_string(input.request.region)
	normal(input.workflow.region) != normal(input.request.region)
}

violations contains {
	"code": "REGION_BANNED",
	"path": [part, "region"],
	"params": {"region": input[part].region},
} if {
	some part in ["workflow", "request"]
	is_string(input[part].region)
	banned(input[part].region)
}

violations contains {
	"code": "REGION_REQUIRED",
	"path": ["request", "region"],
	"params": {},
} if {
	unstated
	input.config.requireRegion == true
}

obligations contains {
	"code": "REGION_UNSTATED",
	"path": ["request", "region"],
	"params": {},
} if {
	unstated
	input.config.requireRegion == false
}

unstated if {
	is_null(input.workflow.region)
	is_null(input.request.region)
}
