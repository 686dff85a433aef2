// SPDX-License-Identifier: GPL-2.0
/*
 * Gives a Debian kernel the release name of the Proxmox VE kernel that its package is called after: what `uname -r`,
 * modprobe and dkms go by. Loaded by the initramfs before anything else.
 */
#include <linux/module.h>
#include <linux/string.h>
#include <linux/utsname.h>

static char *release;
module_param(release, charp, 0444);

static int __init rocmox_release_init(void)
{
	if (!release || !*release)
		return -EINVAL;
	return strscpy(init_uts_ns.name.release, release, sizeof(init_uts_ns.name.release)) < 0 ? -EINVAL : 0;
}

module_init(rocmox_release_init);
MODULE_DESCRIPTION("names the kernel as Proxmox VE does");
MODULE_LICENSE("GPL");
