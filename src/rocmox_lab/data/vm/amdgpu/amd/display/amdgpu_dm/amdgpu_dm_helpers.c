// SPDX-License-Identifier: GPL-2.0
/*
 * The one call by which AMD's driver for ROCm 6.2.0 stopped to compile on Ubuntu 6.8.0-44 (ROCm issue 3701): the
 * kernel took the parameter `state` away. Compiled, never called; the compiler drops it, so drm.ko is not needed.
 */
#include <linux/compiler.h>
#include <linux/module.h>
#include <drm/display/drm_dp_mst_helper.h>

static int __maybe_unused dm_helpers_dp_mst_send_payload_allocation(struct drm_dp_mst_topology_mgr *mst_mgr,
								    struct drm_atomic_state *state,
								    struct drm_dp_mst_atomic_payload *payload)
{
	return drm_dp_add_payload_part2(mst_mgr, state, payload);
}
