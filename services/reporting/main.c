#include "common/shell.h"

int main(int argc, char **argv)
{
    return sv_shell_main(argc, argv, &reporting_class);
}
