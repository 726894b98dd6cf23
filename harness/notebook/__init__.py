"""What Python and a notebook show: a result, a store and its boards, each as text, as a small table and as a figure."""
