/* PID 1 of the floor's containers: it is there, and that's all. */
#include <unistd.h>

int main(void)
{
	for (;;)
		pause();
}
