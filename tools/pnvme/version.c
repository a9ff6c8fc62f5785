// SPDX-License-Identifier: GPL-2.0
/* pnvme version */
#include <stdio.h>

#include "app.h"

int cmd_version(struct app *app)
{
	struct pnvme_info info;
	int ret = pnvme_module_info(app->h, &info);

	json_text(app->root, "tools", pnvme_version());
	json_text(app->root, "module", ret ? "" : info.version);
	if (app->json)
		return EXIT_DONE;
	printf("pnvme %s\n", pnvme_version());
	if (ret)
		printf("module: %s\n", pnvme_error(app->h));
	else
		printf("module: %s, label format %u\n", info.version, info.label_version);
	return EXIT_DONE;
}
