"""How many cameras a box can watch: cameras that send stored video by RTSP, and programs that watch them."""
