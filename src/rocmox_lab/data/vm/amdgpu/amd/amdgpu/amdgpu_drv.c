// SPDX-License-Identifier: GPL-2.0
/*
 * The lab's amdgpu: no hardware, and the device nodes that a driver with cards shows. /dev/kfd gets a major of the
 * kernel's choice, as from kfd_chardev.c; cardN and renderDN stand at DRM's major, as from drm_drv.c.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/version.h>

#define DRM_MAJOR 226
#define MINORS 256
#define MAX_CARDS 16

static unsigned int cards = 3;
module_param(cards, uint, 0444);
MODULE_PARM_DESC(cards, "number of cards (0 to 16)");
static unsigned int first_card = 1;
module_param(first_card, uint, 0444);
MODULE_PARM_DESC(first_card, "number of the first /dev/dri/cardN");
static unsigned int first_render = 128;
module_param(first_render, uint, 0444);
MODULE_PARM_DESC(first_render, "number of the first /dev/dri/renderDN");

static struct class *drm_class, *kfd_class;
static struct cdev drm_device;
static int kfd_major;

static int nothing_open(struct inode *inode, struct file *file)
{
	unsigned int minor = iminor(inode);

	if (imajor(inode) != DRM_MAJOR)
		return 0;
	if (minor >= first_card && minor < first_card + cards)
		return 0;
	if (minor >= first_render && minor < first_render + cards)
		return 0;
	return -ENODEV;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = nothing_open,
	.llseek = no_llseek,
};

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
static char *drm_node(const struct device *device, umode_t *mode)
#else
static char *drm_node(struct device *device, umode_t *mode)
#endif
{
	return kasprintf(GFP_KERNEL, "dri/%s", dev_name(device));
}

static struct class *make_class(const char *name)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	return class_create(name);
#else
	return class_create(THIS_MODULE, name);
#endif
}

static void remove_nodes(void)
{
	unsigned int number;

	for (number = 0; number < MINORS; number++)
		device_destroy(drm_class, MKDEV(DRM_MAJOR, number));
	device_destroy(kfd_class, MKDEV(kfd_major, 0));
}

static int make_nodes(void)
{
	struct device *made = device_create(kfd_class, NULL, MKDEV(kfd_major, 0), NULL, "kfd");
	unsigned int number;

	for (number = 0; number < cards && !IS_ERR(made); number++) {
		made = device_create(drm_class, NULL, MKDEV(DRM_MAJOR, first_card + number), NULL, "card%u",
				     first_card + number);
		if (!IS_ERR(made))
			made = device_create(drm_class, NULL, MKDEV(DRM_MAJOR, first_render + number), NULL,
					     "renderD%u", first_render + number);
	}
	return PTR_ERR_OR_ZERO(made);
}

static int make_classes(void)
{
	drm_class = make_class("drm");
	if (IS_ERR(drm_class))
		return PTR_ERR(drm_class);
	drm_class->devnode = drm_node;
	kfd_class = make_class("kfd");
	if (IS_ERR(kfd_class)) {
		class_destroy(drm_class);
		return PTR_ERR(kfd_class);
	}
	return 0;
}

static int register_numbers(void)
{
	int error = register_chrdev_region(MKDEV(DRM_MAJOR, 0), MINORS, "drm");

	if (error)
		return error;
	cdev_init(&drm_device, &operations);
	error = cdev_add(&drm_device, MKDEV(DRM_MAJOR, 0), MINORS);
	if (!error) {
		kfd_major = register_chrdev(0, "kfd", &operations);
		if (kfd_major > 0)
			return 0;
		error = kfd_major;
		cdev_del(&drm_device);
	}
	unregister_chrdev_region(MKDEV(DRM_MAJOR, 0), MINORS);
	return error;
}

static void unregister_numbers(void)
{
	unregister_chrdev(kfd_major, "kfd");
	cdev_del(&drm_device);
	unregister_chrdev_region(MKDEV(DRM_MAJOR, 0), MINORS);
}

static int __init amdgpu_init(void)
{
	int error;

	if (cards > MAX_CARDS || first_card + cards > 64 || first_render < 128 || first_render + cards > 192)
		return -EINVAL;
	error = register_numbers();
	if (error)
		return error;
	error = make_classes();
	if (error)
		goto numbers;
	error = make_nodes();
	if (!error) {
		pr_info("[drm] amdgpu kernel modesetting enabled.\n");
		return 0;
	}
	remove_nodes();
	class_destroy(kfd_class);
	class_destroy(drm_class);
numbers:
	unregister_numbers();
	return error;
}

static void __exit amdgpu_exit(void)
{
	remove_nodes();
	class_destroy(kfd_class);
	class_destroy(drm_class);
	unregister_numbers();
}

module_init(amdgpu_init);
module_exit(amdgpu_exit);
MODULE_DESCRIPTION("stand-in for AMD GPU in the rocmox lab");
MODULE_VERSION("6.8.5");
MODULE_LICENSE("GPL");
